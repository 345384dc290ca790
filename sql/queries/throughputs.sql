SELECT run_key, model_version_id, worker, host, device, engine, count_scored, count_refused,
       seconds, stage_seconds, ended_at
FROM scoring_throughput
WHERE run_key = :run_key
ORDER BY id
