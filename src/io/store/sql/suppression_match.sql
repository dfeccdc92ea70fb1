-- $1: a JSON array of dispatches with one form of their address each: those that stand on a list.
SELECT DISTINCT c.value ->> 'id'
FROM json_each($1) AS c
WHERE c.value ->> 'form' IN (SELECT key FROM suppression)
   OR c.value ->> 'form' IN (SELECT key FROM temp.shared_suppression)
