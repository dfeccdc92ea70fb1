-- A cancellation to mailboxes that hold an object. $1: the revision, $2: its SEQUENCE, $3: now, $4: a JSON array of mailboxes.
INSERT INTO dispatch (recipient, purpose, revision, session, method, sequence, partstat, held, thread, state, changed_ms)
SELECT w.recipient, 'cancellation', $1, w.session, 'CANCEL', $2,
       coalesce((SELECT a.partstat FROM answer a
                 WHERE a.applies = 1 AND a.session = w.session
                   AND (a.recipient = r.id OR (a.recipient IS NULL AND a.entity = r.entity))
                   AND NOT EXISTS (SELECT 1 FROM revision v
                                   WHERE v.kind IN ('material', 'reinstatement')
                                     AND v.session = w.session AND v.number > a.revision AND v.number <= h.revision)
                 ORDER BY a.said_ms DESC, a.id DESC LIMIT 1), 'NEEDS-ACTION'),
       w.held, w.thread, 'READY', $3
FROM json_each($4) i
JOIN recipient r ON r.id = i.value
JOIN holding w ON w.recipient = r.id AND w.session = (SELECT session FROM revision WHERE number = $1)
JOIN dispatch h ON h.id = w.held
ORDER BY w.recipient
