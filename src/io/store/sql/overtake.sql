-- What of older revisions is still open for mailboxes is overtaken. $1: the revision, $2: now, $3: a JSON array of mailboxes.
-- Invitations move (move_open.sql), letters stay.
UPDATE dispatch
SET state = 'CANCELLED', reply = 'overtaken by a later message', changed_ms = $2
WHERE recipient IN (SELECT value FROM json_each($3))
  AND purpose IN ('reminder', 'update', 'cancellation') AND revision < $1
  AND session = (SELECT session FROM revision WHERE number = $1)
  AND state IN ('READY', 'DEFERRED', 'SUPPRESSED')
