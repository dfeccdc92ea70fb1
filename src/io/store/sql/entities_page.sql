-- Whom the rows on the current lists stand for. $1: after this id, $2: how many.
SELECT id, entity, kind, file, line
FROM recipient
WHERE id > $1
  AND seen = (SELECT import FROM folder)
ORDER BY id
LIMIT $2
