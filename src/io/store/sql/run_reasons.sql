-- Why messages were not taken: by state, phase and code, with the words of one of them. $1: the run, or NULL for all;
-- $2: how many.
SELECT a.verdict, a.phase, a.code, a.enhanced, a.scope, count(*) AS attempts, min(a.reply) AS reply
FROM attempt a
WHERE a.verdict <> 'SENT' AND ($1 IS NULL OR a.run = $1)
GROUP BY a.verdict, a.phase, a.code, a.enhanced, a.scope
ORDER BY attempts DESC, a.verdict, a.code
LIMIT $2
