-- $1: a JSON array of addresses with their forms, $2: reason, $3: note, $4: now. One that stands there in any form stays.
INSERT INTO suppression (key, address, reason, note, added_ms)
SELECT f.value ->> 'key', f.value ->> 'address', $2, $3, $4
FROM json_each($1) AS f
WHERE NOT EXISTS (SELECT 1 FROM suppression s
                  WHERE s.key IN (f.value ->> 'clear', f.value ->> 'hash', f.value ->> 'sha256'))
ON CONFLICT DO NOTHING
