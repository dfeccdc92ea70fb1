-- Whoever was taken off the lists before anything was armed and stands on them again. $1: this import, $2: now,
-- $3: the current revision, $4: its SEQUENCE, $5: its session. What had been armed at an older revision stays as
-- it is: it is planned anew.
UPDATE dispatch
SET state = 'READY', changed_ms = $2, revision = $3, sequence = $4
FROM recipient r
WHERE r.id = dispatch.recipient AND r.seen = $1
  AND dispatch.purpose = 'invitation' AND dispatch.state = 'CANCELLED'
  AND dispatch.session = $5
  AND ($5 = '' OR r.sessions = ' all ' OR instr(r.sessions, ' ' || $5 || ' ') > 0)
  AND (dispatch.date_ms IS NULL OR dispatch.revision = $3)
  AND NOT EXISTS (SELECT 1 FROM dispatch other
                  WHERE other.recipient = dispatch.recipient AND other.purpose = 'invitation' AND other.session = $5
                    AND other.id <> dispatch.id
                    AND other.state <> 'CANCELLED')
