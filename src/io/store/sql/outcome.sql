-- $1: a JSON array of outcomes. Every row must be open or armed.
UPDATE dispatch
SET state = o.value ->> 'state',
    due_ms = o.value ->> 'due_ms',
    attempts = attempts + (o.value ->> 'counts'),
    relay = o.value ->> 'relay',
    code = o.value ->> 'code',
    reply = o.value ->> 'reply',
    changed_ms = o.value ->> 'ended_ms'
FROM json_each($1) AS o
WHERE dispatch.id = o.value ->> 'dispatch' AND dispatch.state IN ('READY', 'DEFERRED', 'CLAIMED', 'ARMED')
