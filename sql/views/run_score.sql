CREATE VIEW run_score AS
SELECT
    training_run.id      AS run_id,
    training_run.run_key AS run,
    training_run.network,
    run_metric.kind,
    run_metric.metric,
    run_metric.value,
    run_metric.low,
    run_metric.high
FROM run_metric
JOIN training_run ON training_run.id = run_metric.run_id;

COMMENT ON VIEW run_score IS 'One row per training run, metric and kind on its validation images: the network, chance, and a constant prediction.';
COMMENT ON COLUMN run_score.run_id IS 'Number of the training run.';
COMMENT ON COLUMN run_score.run IS 'Its key: the run that trained, and the network.';
COMMENT ON COLUMN run_score.network IS 'What was trained.';
COMMENT ON COLUMN run_score.kind IS 'network; chance: guessing; constant: always the same prediction.';
COMMENT ON COLUMN run_score.metric IS 'What was measured.';
COMMENT ON COLUMN run_score.value IS 'Its value on the validation images.';
COMMENT ON COLUMN run_score.low IS 'Lower end of the 95 % interval; NULL for chance and constant.';
COMMENT ON COLUMN run_score.high IS 'Upper end of the 95 % interval; NULL for chance and constant.';
