-- The last revision that asked each entity anew, of those that it was told; only entities that have answered anything.
SELECT e.entity, v.number, v.sequence
FROM (SELECT r.entity, max(d.revision) AS told
      FROM answer a
      JOIN recipient r ON r.entity = a.entity
      JOIN dispatch d ON d.recipient = r.id
      WHERE d.method = 'REQUEST' AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED')
      GROUP BY r.entity) e
JOIN revision v ON v.number = (SELECT max(w.number) FROM revision w
                               WHERE w.kind IN ('material', 'reinstatement') AND w.number <= e.told)
