-- $1: the same JSON array of outcomes; those of a side file of version 1 lack the last four.
INSERT INTO attempt (dispatch, verdict, phase, relay, code, enhanced, reply, started_ms, ended_ms, run, scope, tls,
                     queue_id)
SELECT o.value ->> 'dispatch', o.value ->> 'state', o.value ->> 'phase', o.value ->> 'relay', o.value ->> 'code',
       o.value ->> 'enhanced', o.value ->> 'reply', o.value ->> 'started_ms', o.value ->> 'ended_ms',
       o.value ->> 'run', coalesce(o.value ->> 'scope', ''), coalesce(o.value ->> 'tls', ''),
       coalesce(o.value ->> 'queue_id', '')
FROM json_each($1) AS o
