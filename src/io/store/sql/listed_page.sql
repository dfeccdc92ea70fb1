-- The dispatches of everybody on the current lists, in their order. $1: after this id, $2: how many.
SELECT d.id, d.purpose, d.revision, d.attempts, d.date_ms, d.state,
       r.address_key, r.address, r.entity, r.kind, r.language, r.cells, r.file, r.line
FROM dispatch d
JOIN recipient r ON r.id = d.recipient
WHERE d.id > $1
  AND r.seen = (SELECT import FROM folder)
ORDER BY d.id
LIMIT $2
