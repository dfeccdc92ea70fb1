-- $1: a JSON array of rows, $2: the number of this import, after they were imported: rows whose message has been
-- armed keep their data and are only marked as seen; to which sessions they are invited may change all the same.
UPDATE recipient
SET seen = $2, file = r.value ->> 'file', line = r.value ->> 'line', sessions = r.value ->> 'sessions'
FROM json_each($1) AS r
WHERE recipient.address_key = r.value ->> 'key' AND recipient.seen <> $2
