-- One message that came back. Nothing where it is known already.
INSERT INTO inbound (source, identity, message_id, digest, received_ms, read_ms, kind, level, dispatch, recipient, state,
                     summary, rule, actor, entity, flags, suggestion, absent_until, original)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
ON CONFLICT (identity) DO NOTHING
RETURNING id
