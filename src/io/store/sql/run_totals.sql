-- $1: the run, or NULL for all: how its attempts ended, from when to when, and whom it reached.
SELECT count(*) AS attempts,
       sum(a.verdict = 'SENT') AS accepted,
       sum(a.verdict = 'DEFERRED') AS deferred,
       sum(a.verdict = 'FAILED') AS refused,
       sum(a.verdict = 'IN_DOUBT') AS in_doubt,
       min(a.started_ms) AS first_ms,
       max(a.ended_ms) AS last_ms,
       count(DISTINCT CASE a.verdict WHEN 'SENT' THEN d.recipient END) AS recipients,
       count(DISTINCT CASE a.verdict WHEN 'SENT' THEN r.entity END) AS entities
FROM attempt a
JOIN dispatch d ON d.id = a.dispatch
JOIN recipient r ON r.id = d.recipient
WHERE $1 IS NULL OR a.run = $1
