-- Mails that want something of a person. $1: `call`: whoever asked for a call, by a mail or by what a person decided of it, until
-- the entity is noted; `proposal`: other times or places, until somebody decides.
SELECT i.id, i.recipient, coalesce(r.address, json_extract(i.summary, '$.from'), '') AS address, i.entity,
       coalesce(json_extract(i.summary, '$.calendar[0].comment'), json_extract(i.summary, '$.words'), '') AS words,
       coalesce(json_extract(i.summary, '$.calendar[0].proposed.start'), '') AS start,
       coalesce(json_extract(i.summary, '$.calendar[0].proposed.end'), '') AS end,
       coalesce(json_extract(i.summary, '$.calendar[0].location'), '') AS location
FROM inbound i
LEFT JOIN recipient r ON r.id = i.recipient
WHERE CASE $1
      WHEN 'call' THEN
          (i.decided = 'call' OR i.decided = '' AND i.state <> 'ignored' AND ' ' || i.flags || ' ' LIKE '% wants-call %')
          AND NOT EXISTS (SELECT 1 FROM answer a WHERE a.entity = i.entity AND i.entity <> '' AND a.is_note = 1
                                                   AND a.recorded_ms > coalesce(i.decided_ms, i.read_ms))
      ELSE i.state = 'triage' AND ' ' || i.flags || ' ' LIKE '% counter-proposal %'
      END
ORDER BY i.id
