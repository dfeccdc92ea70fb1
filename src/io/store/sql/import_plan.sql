-- An invitation for each listed mailbox that has none; one that was armed at an older revision and then taken off does not
-- count. $1: this import, $2: now, $3: the current revision, $4: its SEQUENCE, $5: its session.
INSERT INTO dispatch (recipient, purpose, revision, session, method, sequence, partstat, state, changed_ms)
SELECT r.id, 'invitation', $3, $5, 'REQUEST', $4, 'NEEDS-ACTION', 'READY', $2
FROM recipient r
WHERE r.seen = $1
  AND ($5 = '' OR r.sessions = ' all ' OR instr(r.sessions, ' ' || $5 || ' ') > 0)
  AND NOT EXISTS (SELECT 1 FROM dispatch d
                  WHERE d.recipient = r.id AND d.purpose = 'invitation' AND d.session = $5
                    AND (d.state <> 'CANCELLED' OR d.revision = $3))
ORDER BY r.id
