SELECT split, epoch, metric, value FROM epoch_metric
WHERE run_id = :run_id
ORDER BY split, epoch, metric
