)
-- The end of the statement that imports rows. A mailbox seen in this import already keeps its first row.
-- One whose message has been armed is left to import_frozen.sql, so that the same message can be made again.
WHERE true
ON CONFLICT (address_key) DO UPDATE
SET seen = excluded.seen,
    file = excluded.file,
    line = excluded.line,
    address = excluded.address,
    entity = excluded.entity,
    kind = excluded.kind,
    language = excluded.language,
    sessions = excluded.sessions,
    cells = excluded.cells
WHERE recipient.seen <> excluded.seen
  AND NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.recipient = recipient.id AND d.date_ms IS NOT NULL)
