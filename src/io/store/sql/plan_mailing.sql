-- Messages of a mailing. $1: the purpose, $2: the mailing, $3: the revision of those without a calendar object, $4: now, $5: a JSON
-- array of mailboxes, each with the dispatch whose object it is sent again (`held`, NULL for none) and what it answered. The
-- object is that of the dispatch in every field, so that the octets are the same.
INSERT INTO dispatch (recipient, purpose, revision, mailing, method, sequence, partstat, held, thread, state, changed_ms)
SELECT p.value ->> 'recipient', $1, coalesce(h.revision, $3), $2, coalesce(h.method, ''), h.sequence,
       coalesce(h.partstat, p.value ->> 'answer'), h.id,
       (SELECT min(d.id) FROM dispatch d
        WHERE d.recipient = p.value ->> 'recipient' AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED')),
       'READY', $4
FROM json_each($5) p
LEFT JOIN dispatch h ON h.id = p.value ->> 'held'
WHERE NOT EXISTS (SELECT 1 FROM dispatch d
                  WHERE d.recipient = p.value ->> 'recipient' AND d.purpose = $1 AND d.mailing = $2)
ORDER BY p.key
