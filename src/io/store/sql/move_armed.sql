-- An invitation that was armed and did not arrive keeps its octets; a new one takes its place. $1: the revision, $2: its
-- SEQUENCE, $3: now.
INSERT INTO dispatch (recipient, purpose, revision, method, sequence, partstat, state, changed_ms)
SELECT d.recipient, 'invitation', $1, 'REQUEST', $2, 'NEEDS-ACTION', 'READY', $3
FROM dispatch d
JOIN holding w ON w.recipient = d.recipient
WHERE d.purpose = 'invitation' AND d.revision < $1 AND d.date_ms IS NOT NULL AND d.state IN ('READY', 'DEFERRED')
  AND w.held IS NULL
ORDER BY d.id
