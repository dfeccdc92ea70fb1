-- Mailboxes with what they hold, for a circle whose condition follows. $1: after this row, $2: how many,
-- $3: the session, or NULL for all.
SELECT r.id, h.revision AS held_revision,
       coalesce(l.method = 'CANCEL' AND l.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED'), 0) AS is_told,
       coalesce(h.method = 'CANCEL', 0) AS is_out,
       r.address, r.entity, r.kind, r.language, r.sessions, r.cells, r.file, r.line
FROM recipient r
JOIN holding w ON w.recipient = r.id AND ($3 IS NULL OR w.session = $3)
LEFT JOIN dispatch h ON h.id = w.held
LEFT JOIN dispatch l ON l.id = w.latest
WHERE r.id > $1 AND
