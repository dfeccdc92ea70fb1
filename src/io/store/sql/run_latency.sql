-- From taking a message in hand to the relay's yes. $1: the run, or NULL for all.
SELECT max(CASE WHEN place = (n + 1) / 2 THEN took_ms END) AS median_ms,
       max(CASE WHEN place = (n * 95 + 99) / 100 THEN took_ms END) AS p95_ms,
       max(took_ms) AS max_ms
FROM (SELECT a.ended_ms - a.started_ms AS took_ms,
             row_number() OVER (ORDER BY a.ended_ms - a.started_ms) AS place,
             count(*) OVER () AS n
      FROM attempt a
      WHERE a.verdict = 'SENT' AND ($1 IS NULL OR a.run = $1))
