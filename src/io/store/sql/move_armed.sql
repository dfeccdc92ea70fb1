-- An invitation that was armed and did not arrive keeps its octets; a new one takes its place. $1: the revision, $2: its
-- SEQUENCE, $3: now.
INSERT INTO dispatch (recipient, purpose, revision, session, method, sequence, partstat, state, changed_ms)
SELECT d.recipient, 'invitation', $1, d.session, 'REQUEST', $2, 'NEEDS-ACTION', 'READY', $3
FROM dispatch d
JOIN holding w ON w.recipient = d.recipient AND w.session = d.session
WHERE d.purpose = 'invitation' AND d.revision < $1 AND d.date_ms IS NOT NULL AND d.state IN ('READY', 'DEFERRED')
  AND w.held IS NULL AND d.session = (SELECT session FROM revision WHERE number = $1)
ORDER BY d.id
