INSERT INTO scoring_throughput
    (run_key, model_version_id, worker, host, device, engine, count_scored, count_refused, seconds,
     stage_seconds)
VALUES
    (:run_key, :model_version_id, :worker, :host, :device, :engine, :count_scored, :count_refused,
     :seconds, :stage_seconds)
