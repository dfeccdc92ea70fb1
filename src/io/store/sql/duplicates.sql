-- $1: a JSON array of rows that were imported: those whose mailbox stands in an earlier row.
SELECT r.value ->> 'address' AS address, r.value ->> 'file' AS file, r.value ->> 'line' AS line,
       recipient.file AS first_file, recipient.line AS first_line,
       -- To which sessions they invite is used of both.
       CASE WHEN r.value ->> 'sessions' = '' THEN recipient.cells <> r.value ->> 'cells'
            ELSE json_remove(recipient.cells, '$.sessions') <> json_remove(r.value ->> 'cells', '$.sessions')
       END AS differs
FROM json_each($1) AS r
JOIN recipient ON recipient.address_key = r.value ->> 'key'
WHERE recipient.line <> r.value ->> 'line' OR recipient.file <> r.value ->> 'file'
ORDER BY r.key
