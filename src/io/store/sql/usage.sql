-- $1: a JSON array of outcomes. A relay counts what reached the final dot, whatever it answered.
INSERT INTO usage (relay, minute, messages)
SELECT o.value ->> 'relay', (o.value ->> 'ended_ms') / 60000, count(*)
FROM json_each($1) AS o
WHERE o.value ->> 'phase' = 'dot'
GROUP BY 1, 2
ON CONFLICT (relay, minute) DO UPDATE SET messages = messages + excluded.messages
