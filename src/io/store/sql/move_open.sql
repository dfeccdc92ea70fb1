-- Invitations that were never armed say what is true now. $1: the revision, $2: its SEQUENCE, $3: now.
UPDATE dispatch
SET revision = $1, sequence = $2, changed_ms = $3
WHERE purpose = 'invitation' AND revision < $1 AND date_ms IS NULL
  AND session = (SELECT session FROM revision WHERE number = $1)
  AND state IN ('READY', 'DEFERRED', 'SUPPRESSED', 'HELD')
