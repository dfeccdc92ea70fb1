-- Recipients of a plan who would get nothing of its errand any more, and have had nothing. $1: the plan, $2: the purpose,
-- $3: the mailing, $4: how many are named; n counts all. Whoever is suppressed is held back by name and counts as planned.
SELECT r.address, count(*) OVER () AS n
FROM sealed_message m
JOIN recipient r ON r.id = m.recipient
WHERE m.sealed = $1
  AND NOT EXISTS (SELECT 1 FROM dispatch d
                  WHERE d.recipient = m.recipient AND d.session = m.session AND d.purpose = $2
                    AND d.mailing = $3 AND d.state <> 'CANCELLED'
                    AND (d.state NOT IN ('READY', 'DEFERRED') OR d.purpose <> 'invitation'
                         OR r.seen = (SELECT import FROM folder)))
ORDER BY r.id
LIMIT $4
