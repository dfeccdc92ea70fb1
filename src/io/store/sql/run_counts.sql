-- $1: the run: how its attempts ended, and from when to when.
SELECT count(*) AS attempts,
       sum(verdict = 'SENT') AS accepted,
       sum(verdict = 'DEFERRED') AS deferred,
       sum(verdict = 'FAILED') AS refused,
       sum(verdict = 'IN_DOUBT') AS in_doubt,
       min(started_ms) AS first_ms,
       max(ended_ms) AS last_ms
FROM attempt
WHERE run = $1
