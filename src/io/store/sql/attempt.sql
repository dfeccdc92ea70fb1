-- $1: the same JSON array of outcomes.
INSERT INTO attempt (dispatch, verdict, phase, relay, code, enhanced, reply, started_ms, ended_ms)
SELECT o.value ->> 'dispatch', o.value ->> 'state', o.value ->> 'phase', o.value ->> 'relay', o.value ->> 'code',
       o.value ->> 'enhanced', o.value ->> 'reply', o.value ->> 'started_ms', o.value ->> 'ended_ms'
FROM json_each($1) AS o
