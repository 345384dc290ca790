INSERT INTO run_metric (run_id, kind, metric, value, low, high)
VALUES (:run_id, :kind, :metric, :value, :low, :high)
ON CONFLICT (run_id, kind, metric) DO UPDATE
SET value = excluded.value, low = excluded.low, high = excluded.high
