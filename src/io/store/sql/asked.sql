-- The last revision that asked each entity anew, of those that it was told; only entities that have answered anything.
-- $1: the session, or NULL for all.
SELECT e.entity, v.number, v.sequence
FROM (SELECT r.entity, max(d.revision) AS told
      FROM answer a
      JOIN recipient r ON r.entity = a.entity
      JOIN dispatch d ON d.recipient = r.id
      WHERE d.method = 'REQUEST' AND d.state IN ('SENT', 'IN_DOUBT', 'ARMED', 'BOUNCED')
        AND ($1 IS NULL OR (d.session = $1 AND a.session = $1))
      GROUP BY r.entity) e
JOIN revision v ON v.number = (SELECT max(w.number) FROM revision w
                               WHERE w.kind IN ('material', 'reinstatement') AND w.number <= e.told
                                 AND ($1 IS NULL OR w.session = $1))
