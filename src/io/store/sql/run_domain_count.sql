-- How many recipient domains there were. $1: the run, or NULL for all.
SELECT count(DISTINCT substr(r.address_key, instr(r.address_key, '@') + 1))
FROM attempt a
JOIN dispatch d ON d.id = a.dispatch
JOIN recipient r ON r.id = d.recipient
WHERE $1 IS NULL OR a.run = $1
