-- The next dispatches of one errand that may be sent now, in their order. $1: after this id, $2: now, $3: how many,
-- $4: the purpose, $5: the mailing, $6: the session, or NULL for all. Invitations go to the current lists only.
SELECT d.id, d.purpose, d.session, d.revision, d.mailing, d.method, d.sequence, d.partstat, d.attempts, d.date_ms, d.state,
       h.revision AS held_revision, h.sequence AS held_sequence, h.method AS held_method, h.language AS held_language,
       t.message_id AS thread_id, d.recipient,
       r.address_key, r.address, r.entity, r.kind, r.language, r.sessions, r.cells, r.file, r.line
FROM dispatch d
JOIN recipient r ON r.id = d.recipient
LEFT JOIN dispatch h ON h.id = d.held
LEFT JOIN dispatch t ON t.id = d.thread
WHERE d.state IN ('READY', 'DEFERRED') AND d.due_ms <= $2 AND d.id > $1
  AND d.purpose = $4 AND d.mailing = $5 AND ($6 IS NULL OR d.session = $6)
  AND (d.purpose <> 'invitation' OR r.seen = (SELECT import FROM folder))
ORDER BY d.id
LIMIT $3
