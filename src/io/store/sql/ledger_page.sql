-- Every dispatch with its recipient, by id. $1: after this id, $2: how many, $3: the session, or NULL for all.
SELECT d.id, d.purpose, d.session, d.revision, d.mailing, d.method, d.sequence, d.partstat, d.state, d.attempts, d.due_ms,
       d.date_ms, d.uid, d.message_id, d.size, d.relay, d.code, d.reply, d.changed_ms, d.recipient,
       r.address, r.entity, r.kind, r.language, r.sessions, r.cells, r.file, r.line
FROM dispatch d
JOIN recipient r ON r.id = d.recipient
WHERE d.id > $1 AND ($3 IS NULL OR d.session = $3)
ORDER BY d.id
LIMIT $2
