-- How many of an errand stand where, by kind; of a mailbox its latest dispatch alone, for earlier ones of the same purpose
-- were overtaken by it. $1: the purpose, $2: the mailing, $3: the session, or NULL for all.
SELECT r.kind, d.state, count(*) AS n
FROM dispatch d
JOIN recipient r ON r.id = d.recipient
WHERE d.purpose = $1 AND d.mailing = $2 AND ($3 IS NULL OR d.session = $3)
  AND ((SELECT max(number) FROM revision) = 0
       OR NOT EXISTS (SELECT 1 FROM dispatch later
                  WHERE later.recipient = d.recipient AND later.purpose = d.purpose AND later.mailing = d.mailing
                    AND later.session = d.session
                    AND later.revision > d.revision))
GROUP BY 1, 2
