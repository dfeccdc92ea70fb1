-- $1: a JSON array of armed messages. Every row must still be claimed: the caller compares the count.
UPDATE dispatch
SET state = 'ARMED',
    date_ms = a.value ->> 'date_ms',
    uid = a.value ->> 'uid',
    message_id = a.value ->> 'message_id',
    digest = a.value ->> 'digest',
    size = a.value ->> 'size',
    changed_ms = a.value ->> 'at_ms'
FROM json_each($1) AS a
WHERE dispatch.id = a.value ->> 'dispatch' AND dispatch.state = 'CLAIMED'
