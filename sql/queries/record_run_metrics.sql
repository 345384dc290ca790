INSERT INTO run_metric (run_id, kind, metric, value, low, high)
SELECT :run_id, :kind, metric, value, low, high
FROM unnest(
    cast(:metrics AS text[]), cast(:values AS double precision[]),
    cast(:lows AS double precision[]), cast(:highs AS double precision[])
) AS m (metric, value, low, high)
ON CONFLICT (run_id, kind, metric) DO UPDATE
SET value = excluded.value, low = excluded.low, high = excluded.high
