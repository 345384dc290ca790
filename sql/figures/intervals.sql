-- The 95 % intervals as stored when each run was registered, beside chance and always the same.
SELECT run_id, metric, kind, value, low, high
FROM run_score
WHERE run_id IN (:runs)
ORDER BY metric, run_id, kind
