-- Attempts by the time at which they ended. $1: the run, or NULL for all; $2: where the first bucket begins, $3: its width.
SELECT (a.ended_ms - $2) / $3 AS bucket,
       count(*) AS attempts,
       sum(a.verdict = 'SENT') AS accepted,
       sum(a.verdict = 'DEFERRED') AS deferred,
       sum(a.verdict = 'FAILED') AS refused,
       sum(a.verdict = 'IN_DOUBT') AS in_doubt
FROM attempt a
WHERE $1 IS NULL OR a.run = $1
GROUP BY 1
ORDER BY 1
