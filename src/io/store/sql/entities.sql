-- Every mailbox with how it was told of the event, by entity. $1: an entity, or NULL for all, $2: whether cells
-- are wanted, $3: the session, or NULL for all. The states are those in which a message may have reached it.
SELECT r.id, r.address, r.entity, r.kind, r.language, r.sessions,
       CASE WHEN $2 THEN r.cells ELSE '{}' END AS cells, r.file, r.line,
       r.seen = (SELECT import FROM folder) AS listed,
       -- The last word on its invitation, sent or to be sent.
       l.state AS last_state, l.method AS last_method, l.purpose AS last_purpose,
       -- The calendar object that it has.
       h.id AS told_id, h.revision AS told_revision, h.method AS told_method,
       -- The last message of any kind was refused or came back.
       (SELECT d.state IN ('FAILED', 'BOUNCED') FROM dispatch d
        WHERE d.recipient = r.id AND ($3 IS NULL OR d.session = $3)
          AND d.state NOT IN ('READY', 'CLAIMED', 'DEFERRED', 'CANCELLED', 'HELD', 'SUPPRESSED')
        ORDER BY d.id DESC LIMIT 1) AS refused,
       (SELECT max(d.changed_ms) FROM dispatch d
        WHERE d.recipient = r.id AND ($3 IS NULL OR d.session = $3)
          AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED')) AS reached_ms,
       (SELECT min(d.changed_ms) FROM dispatch d
        WHERE d.recipient = r.id AND ($3 IS NULL OR d.session = $3) AND d.method = 'REQUEST'
          AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED')) AS first_asked_ms,
       CASE WHEN h.method = 'REQUEST' THEN h.changed_ms END AS last_asked_ms
FROM recipient r
LEFT JOIN dispatch l ON l.id = (SELECT max(d.id) FROM dispatch d
                                WHERE d.recipient = r.id AND ($3 IS NULL OR d.session = $3)
                                  AND d.method <> '' AND d.purpose <> 'reminder'
                                  AND d.state <> 'CANCELLED')
LEFT JOIN dispatch h ON h.id = (SELECT max(d.id) FROM dispatch d
                                WHERE d.recipient = r.id AND ($3 IS NULL OR d.session = $3)
                                  AND d.method <> '' AND d.purpose <> 'reminder'
                                  AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED'))
WHERE $1 IS NULL OR r.entity = $1
ORDER BY r.entity, r.id
