SELECT kind, metric, value, low, high FROM run_metric WHERE run_id = :run_id
