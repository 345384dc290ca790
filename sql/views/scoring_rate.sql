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
COMMENT ON COLUMN scoring_rate.batch IS 'The scoring run.';
COMMENT ON COLUMN scoring_rate.worker IS 'Name of the worker within it.';
COMMENT ON COLUMN scoring_rate.model IS 'Network and version.';
COMMENT ON COLUMN scoring_rate.host IS 'Machine that it ran on.';
COMMENT ON COLUMN scoring_rate.device IS 'Processor or accelerator that scored.';
COMMENT ON COLUMN scoring_rate.engine IS 'Program that ran the network.';
COMMENT ON COLUMN scoring_rate.count_scored IS 'Images that got a prediction.';
COMMENT ON COLUMN scoring_rate.count_refused IS 'Images refused while scoring.';
COMMENT ON COLUMN scoring_rate.seconds IS 'From the first claim to the last commit.';
COMMENT ON COLUMN scoring_rate.ended_at IS 'When the worker came to its end.';
