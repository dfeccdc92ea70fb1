-- What is open or held back, by id. $1: after this id, $2: how many.
SELECT d.id, r.address_key, d.state = 'SUPPRESSED' AS held,
       d.purpose IN ('update', 'cancellation') OR (r.seen = (SELECT import FROM folder)
           AND (d.session = '' OR r.sessions IN ('', ' all ') OR instr(r.sessions, ' ' || d.session || ' ') > 0)) AS listed
FROM dispatch d
JOIN recipient r ON r.id = d.recipient
WHERE d.id > $1 AND d.state IN ('READY', 'DEFERRED', 'SUPPRESSED')
ORDER BY d.id
LIMIT $2
