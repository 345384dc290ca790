CREATE VIEW scoring_rate AS
SELECT
    scoring_throughput.run_key    AS batch,
    scoring_throughput.worker,
    model_version.name            AS model,
    scoring_throughput.host,
    scoring_throughput.device,
    scoring_throughput.engine,
    scoring_throughput.count_scored,
    scoring_throughput.count_refused,
    scoring_throughput.seconds,
    (scoring_throughput.count_scored + scoring_throughput.count_refused)
        / nullif(scoring_throughput.seconds, 0) AS images_per_second,
    scoring_throughput.stage_seconds,
    scoring_throughput.ended_at
FROM scoring_throughput
JOIN model_version ON model_version.id = scoring_throughput.model_version_id;

COMMENT ON VIEW scoring_rate IS 'One row per scoring worker that came to its end: images a second, on which device and with which engine.';
COMMENT ON COLUMN scoring_rate.images_per_second IS 'Scored and refused images over the worker''s whole time; NULL when it took none.';
COMMENT ON COLUMN scoring_rate.stage_seconds IS 'Busy seconds by stage; stages overlap, so their sum may exceed seconds.';
