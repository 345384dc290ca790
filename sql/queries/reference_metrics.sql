SELECT kind, metric, value FROM run_metric
WHERE run_id = :run_id AND kind <> 'network'
ORDER BY kind, metric
