-- Messages of a mailing. $1: the purpose, $2: the mailing, $3: now, $4: a JSON array of mailboxes, each with the revision that a
-- message without a calendar object is of, the dispatch whose object it is sent again (`held`, NULL for none) and what it
-- answered. The object is that of the dispatch in every field, so that the octets are the same. The revision says the session.
INSERT INTO dispatch (recipient, purpose, revision, session, mailing, method, sequence, partstat, held, thread, state, changed_ms)
SELECT p.value ->> 'recipient', $1, v.number, v.session, $2, coalesce(h.method, ''), h.sequence,
       coalesce(h.partstat, p.value ->> 'answer'), h.id,
       (SELECT min(d.id) FROM dispatch d
        WHERE d.recipient = p.value ->> 'recipient' AND d.session = v.session
          AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED')),
       'READY', $3
FROM json_each($4) p
LEFT JOIN dispatch h ON h.id = p.value ->> 'held'
JOIN revision v ON v.number = coalesce(h.revision, p.value ->> 'revision')
WHERE NOT EXISTS (SELECT 1 FROM dispatch d
                  WHERE d.recipient = p.value ->> 'recipient' AND d.purpose = $1 AND d.mailing = $2
                    AND d.session = v.session)
ORDER BY p.key
