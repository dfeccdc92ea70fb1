-- Whether there is any list, whether hashes stand on it, whether anything is held back: else there is nothing to compare.
SELECT EXISTS (SELECT 1 FROM suppression) OR EXISTS (SELECT 1 FROM temp.shared_suppression) AS listed,
       EXISTS (SELECT 1 FROM suppression WHERE (key >= 'h:' AND key < 'h;') OR (key >= 'sha256:' AND key < 'sha256;'))
       OR EXISTS (SELECT 1 FROM temp.shared_suppression
                  WHERE (key >= 'h:' AND key < 'h;') OR (key >= 'sha256:' AND key < 'sha256;')) AS hashes,
       EXISTS (SELECT 1 FROM dispatch WHERE state = 'SUPPRESSED') AS held
