-- Whom mail that came back may concern, with everything that was sent to them. $1: a JSON object of three arrays, `uids`,
-- `message_ids` and `addresses`.
WITH concerned (recipient) AS (
    SELECT d.recipient FROM json_each($1, '$.uids') j JOIN dispatch d ON d.uid = j.value COLLATE NOCASE
    UNION
    SELECT d.recipient FROM json_each($1, '$.message_ids') j JOIN dispatch d ON d.message_id = j.value COLLATE NOCASE
    UNION
    SELECT r.id FROM json_each($1, '$.addresses') j JOIN recipient r ON r.address_key = j.value
)
SELECT r.id AS recipient, r.address, r.entity, d.session, d.id AS dispatch, d.revision, d.sequence, d.method, d.state, d.uid,
       d.message_id, d.date_ms
FROM concerned c
JOIN recipient r ON r.id = c.recipient
LEFT JOIN dispatch d ON d.recipient = r.id AND d.message_id IS NOT NULL
ORDER BY r.id, d.session, d.id
