-- $1: a JSON array of rows; $2: the number of this import. A mailbox seen in this import already keeps its first row.
-- One whose message has been armed is left to import_frozen.sql, so that the same message can be made again.
INSERT INTO recipient (address_key, address, entity, kind, language, cells, file, line, seen)
SELECT r.value ->> 'key', r.value ->> 'address', r.value ->> 'entity', r.value ->> 'kind', r.value ->> 'language',
       r.value ->> 'cells', r.value ->> 'file', r.value ->> 'line', $2
FROM json_each($1) AS r
WHERE true
ON CONFLICT (address_key) DO UPDATE
SET seen = $2,
    file = excluded.file,
    line = excluded.line,
    address = excluded.address,
    entity = excluded.entity,
    kind = excluded.kind,
    language = excluded.language,
    cells = excluded.cells
WHERE recipient.seen <> $2
  AND NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.recipient = recipient.id AND d.date_ms IS NOT NULL)
