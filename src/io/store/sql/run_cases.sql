-- Attempts that ended in one state, by entity, with where the dispatch stands now. $1: the run, or NULL for all;
-- $2: the state, $3: how many.
SELECT r.entity, r.address, a.relay, a.phase, a.reply, a.ended_ms, d.state
FROM attempt a
JOIN dispatch d ON d.id = a.dispatch
JOIN recipient r ON r.id = d.recipient
WHERE a.verdict = $2 AND ($1 IS NULL OR a.run = $1)
ORDER BY r.entity, r.address, a.id
LIMIT $3
