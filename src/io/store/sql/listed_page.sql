-- The dispatches of one errand, whatever became of them, in their order; of invitations those of the current lists.
-- $1: after this id, $2: how many, $3: the purpose, $4: the mailing, $5: the session, or NULL for all.
SELECT d.id, d.purpose, d.session, d.revision, d.mailing, d.method, d.sequence, d.partstat, d.attempts, d.date_ms, d.state,
       h.revision AS held_revision, h.sequence AS held_sequence, h.method AS held_method, h.language AS held_language,
       t.message_id AS thread_id, d.recipient,
       r.address_key, r.address, r.entity, r.kind, r.language, r.sessions, r.cells, r.file, r.line
FROM dispatch d
JOIN recipient r ON r.id = d.recipient
LEFT JOIN dispatch h ON h.id = d.held
LEFT JOIN dispatch t ON t.id = d.thread
WHERE d.id > $1 AND d.purpose = $3 AND d.mailing = $4 AND ($5 IS NULL OR d.session = $5)
  AND (d.purpose <> 'invitation' OR r.seen = (SELECT import FROM folder))
ORDER BY d.id
LIMIT $2
