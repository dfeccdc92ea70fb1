-- Attempts by relay, the most used first. $1: the run, or NULL for all; $2: how many.
SELECT name, count(*) AS attempts,
       sum(verdict = 'SENT') AS accepted,
       sum(verdict = 'DEFERRED') AS deferred,
       sum(verdict = 'FAILED') AS refused,
       sum(verdict = 'IN_DOUBT') AS in_doubt,
       max(CASE WHEN verdict = 'SENT' AND place = (n + 1) / 2 THEN took_ms END) AS median_ms
FROM (SELECT a.relay AS name, a.verdict, a.ended_ms - a.started_ms AS took_ms,
             row_number() OVER (PARTITION BY a.relay, a.verdict = 'SENT' ORDER BY a.ended_ms - a.started_ms) AS place,
             count(*) OVER (PARTITION BY a.relay, a.verdict = 'SENT') AS n
      FROM attempt a
      WHERE $1 IS NULL OR a.run = $1)
GROUP BY name
ORDER BY attempts DESC, name
LIMIT $2
