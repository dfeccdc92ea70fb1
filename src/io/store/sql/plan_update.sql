-- An update to mailboxes that hold an object. $1: the revision, $2: its SEQUENCE, $3: now, $4: a JSON array of mailboxes.
-- `again`: since what they hold, time or place changed or it was called off.
INSERT INTO dispatch (recipient, purpose, revision, session, method, sequence, partstat, held, thread, state, changed_ms)
SELECT recipient, 'update', $1, session, 'REQUEST',
       CASE WHEN again THEN $2 ELSE sequence END,
       CASE WHEN again THEN 'NEEDS-ACTION' ELSE answered END,
       held, thread, 'READY', $3
FROM (SELECT w.recipient, w.session, w.held, w.thread, h.sequence,
             EXISTS (SELECT 1 FROM revision v
                     WHERE v.session = w.session AND v.number > h.revision AND v.number <= $1
                       AND (v.kind = 'material'
                            -- One that did not concern him changes nothing for him.
                            OR v.kind = 'reinstatement'
                               AND (v.number = $1 OR h.method = 'CANCEL'
                                    OR EXISTS (SELECT 1 FROM dispatch d
                                               WHERE d.recipient = r.id AND d.purpose = 'update' AND d.revision = v.number)))
                    ) AS again,
             coalesce((SELECT a.partstat FROM answer a
                       WHERE a.applies = 1 AND a.session = w.session
                         AND (a.recipient = r.id OR (a.recipient IS NULL AND a.entity = r.entity))
                         AND NOT EXISTS (SELECT 1 FROM revision v
                                         WHERE v.kind IN ('material', 'reinstatement')
                                           AND v.session = w.session AND v.number > a.revision AND v.number <= h.revision)
                       ORDER BY a.said_ms DESC, a.id DESC LIMIT 1), 'NEEDS-ACTION') AS answered
      FROM json_each($4) i
      JOIN recipient r ON r.id = i.value
      JOIN holding w ON w.recipient = r.id AND w.session = (SELECT session FROM revision WHERE number = $1)
      JOIN dispatch h ON h.id = w.held)
ORDER BY recipient
