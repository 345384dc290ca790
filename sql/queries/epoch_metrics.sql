SELECT part, epoch, metric, value FROM epoch_metric
WHERE run_id = :run_id
ORDER BY part, epoch, metric
