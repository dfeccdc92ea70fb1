-- Attempts by the domain of the recipient, the most frequent first. $1: the run, or NULL for all; $2: how many.
SELECT name, count(*) AS attempts,
       sum(verdict = 'SENT') AS accepted,
       sum(verdict = 'DEFERRED') AS deferred,
       sum(verdict = 'FAILED') AS refused,
       sum(verdict = 'IN_DOUBT') AS in_doubt,
       max(CASE WHEN verdict = 'SENT' AND place = (n + 1) / 2 THEN took_ms END) AS median_ms
FROM (SELECT name, verdict, took_ms,
             row_number() OVER (PARTITION BY name, verdict = 'SENT' ORDER BY took_ms) AS place,
             count(*) OVER (PARTITION BY name, verdict = 'SENT') AS n
      FROM (SELECT substr(r.address_key, instr(r.address_key, '@') + 1) AS name, a.verdict,
                   a.ended_ms - a.started_ms AS took_ms
            FROM attempt a
            JOIN dispatch d ON d.id = a.dispatch
            JOIN recipient r ON r.id = d.recipient
            WHERE $1 IS NULL OR a.run = $1))
GROUP BY name
ORDER BY attempts DESC, name
LIMIT $2
