SELECT measure, against, value, limit_value, status, sentence
FROM drift
WHERE batch = :run_key
ORDER BY against, measure
