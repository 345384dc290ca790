CREATE VIEW training_curve AS
SELECT
    training_run.id      AS run_id,
    training_run.run_key AS run,
    training_run.network,
    epoch_metric.split,
    epoch_metric.epoch,
    epoch_metric.metric,
    epoch_metric.value,
    epoch_metric.epoch = training_run.kept_epoch AS is_kept
FROM epoch_metric
JOIN training_run ON training_run.id = epoch_metric.run_id;

COMMENT ON VIEW training_curve IS 'One row per training run, split, epoch and metric: the learning curves.';
COMMENT ON COLUMN training_curve.run_id IS 'Number of the training run.';
COMMENT ON COLUMN training_curve.run IS 'Its key: the run that trained, and the network.';
COMMENT ON COLUMN training_curve.network IS 'What was trained.';
COMMENT ON COLUMN training_curve.split IS 'train or validation.';
COMMENT ON COLUMN training_curve.epoch IS 'From 1.';
COMMENT ON COLUMN training_curve.metric IS 'loss, or one of the scores.';
COMMENT ON COLUMN training_curve.value IS 'Its value at the end of the epoch.';
COMMENT ON COLUMN training_curve.is_kept IS 'True for the epoch whose weights were kept; NULL while the run goes on.';
