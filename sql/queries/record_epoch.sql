INSERT INTO epoch_metric (run_id, epoch, split, metric, value)
SELECT :run_id, :epoch, :split, metric, value
FROM unnest(cast(:metrics AS text[]), cast(:values AS double precision[])) AS m (metric, value)
ON CONFLICT (run_id, epoch, split, metric) DO UPDATE SET value = excluded.value
