SELECT
    metric,
    max(value) FILTER (WHERE kind = 'network')  AS value,
    max(low) FILTER (WHERE kind = 'network')    AS low,
    max(high) FILTER (WHERE kind = 'network')   AS high,
    max(value) FILTER (WHERE kind = 'chance')   AS chance,
    max(value) FILTER (WHERE kind = 'constant') AS constant
FROM run_metric
WHERE run_id = :run_id
GROUP BY metric
ORDER BY metric
