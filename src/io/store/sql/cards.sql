-- What waits for a person. $1: one of them, or NULL for all, $2: after this id, $3: how many.
SELECT i.id, i.source, i.digest, i.message_id, i.received_ms, i.read_ms, i.kind, i.level, i.dispatch, i.recipient, i.summary,
       i.rule, i.actor, i.entity, i.flags, i.suggestion, i.original, r.address,
       coalesce(d.session, '') AS session
FROM inbound i
LEFT JOIN recipient r ON r.id = i.recipient
LEFT JOIN dispatch d ON d.id = i.dispatch
WHERE i.state = 'triage' AND i.id > $2 AND ($1 IS NULL OR i.id = $1)
ORDER BY i.id
LIMIT $3
