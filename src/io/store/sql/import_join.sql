-- $1: a JSON array of rows that were imported: of those whose mailbox stands in an earlier row, to which sessions both invite.
SELECT r.value ->> 'key' AS key, r.value ->> 'sessions' AS more, recipient.sessions
FROM json_each($1) AS r
JOIN recipient ON recipient.address_key = r.value ->> 'key'
WHERE recipient.sessions <> r.value ->> 'sessions'
  AND (recipient.line <> r.value ->> 'line' OR recipient.file <> r.value ->> 'file')
ORDER BY r.key
