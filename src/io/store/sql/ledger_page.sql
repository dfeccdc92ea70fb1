-- Every dispatch with its recipient, by id, in two columns: each value that is handed out costs more than reading it.
-- $1: after this id, $2: how many, $3: the state, or NULL for all, $4: the session, or NULL for all.
SELECT json_array(d.id, d.purpose, d.session, d.revision, d.mailing, d.method, d.sequence, d.partstat, d.state, d.attempts,
                  d.due_ms, d.uid, d.message_id, d.size, d.relay, d.code, d.reply, d.changed_ms, d.recipient,
                  r.address, r.entity, r.kind, r.language, r.sessions, r.file, r.line) AS facts,
       r.cells
FROM dispatch d
JOIN recipient r ON r.id = d.recipient
WHERE d.id > $1 AND ($3 IS NULL OR d.state = $3) AND ($4 IS NULL OR d.session = $4)
ORDER BY d.id
LIMIT $2
