-- How every entity stands, one row for each, by name: only what counting and choosing need, packed into few columns, as each
-- value that is handed out costs more than reading it. $1: whether its mailboxes are wanted, $2: the words of kinds, $3: those
-- of states; a word is told by its place in them. $4: the session, or NULL for all. The states of `is_reached` are those in which a message may have arrived.
-- `facts`: kind of its first mailbox, mailboxes whose invitation has a last word, those of which that is a cancellation,
-- mailboxes that hold an object, the last state of the event that asked it, first and last time at which it was asked.
-- `mailboxes`: the row of each, and of its last word the place of its state, plus 128 where it is a cancellation.
SELECT g.entity,
       (g.first & 127) || ' ' || g.known || ' ' || g.cancelled || ' ' || g.told || ' '
       || coalesce(g.asked, '-') || ' ' || coalesce(g.first_asked_ms, '-') || ' ' || coalesce(g.last_asked_ms, '-') AS facts,
       g.mailboxes,
       CASE WHEN EXISTS (SELECT 1 FROM answer WHERE entity = g.entity AND ($4 IS NULL OR session = $4)) THEN (
           SELECT json_group_array(json_array(a.recipient, a.partstat, a.persons, a.comment, a.source, a.by, a.is_note,
                                              a.attendee, a.sequence, a.dtstamp_ms, a.said_ms, a.recorded_ms, a.revision,
                                              a.evidence, a.level, a.applies))
           FROM (SELECT * FROM answer WHERE entity = g.entity AND ($4 IS NULL OR session = $4) ORDER BY id) a)
       END AS answers
FROM (SELECT m.entity, min(m.id * 128 + instr($2, m.kind)) AS first, count(m.last) AS known, count(m.told) AS told, max(m.asked) AS asked,
             count(CASE WHEN m.last & 128 THEN 1 END) AS cancelled,
             min(m.first_asked_ms) AS first_asked_ms,
             max(CASE WHEN h.method = 'REQUEST' THEN h.changed_ms END) AS last_asked_ms,
             group_concat(CASE WHEN $1 THEN m.id || ' ' || coalesce(m.last & 255, 0) END, ' ') AS mailboxes
      FROM (SELECT r.id, r.entity, r.kind,
                   max(CASE WHEN d.method <> '' AND d.purpose <> 'reminder' AND d.state <> 'CANCELLED'
                            THEN d.id * 256 + (d.method = 'CANCEL') * 128 + instr($3, d.state)
                       END) AS last,
                   max(CASE WHEN d.is_reached AND d.method <> '' AND d.purpose <> 'reminder' THEN d.id END) AS told,
                   min(CASE WHEN d.is_reached AND d.method = 'REQUEST' THEN d.changed_ms END) AS first_asked_ms,
                   max(CASE WHEN d.is_reached AND d.method = 'REQUEST' THEN d.revision END) AS asked
            FROM recipient r
            LEFT JOIN (SELECT *, state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED') AS is_reached FROM dispatch
                       WHERE $4 IS NULL OR session = $4) d
              ON d.recipient = r.id
            GROUP BY r.id) m
      LEFT JOIN dispatch h ON h.id = m.told
      GROUP BY m.entity
      ORDER BY m.entity) g
