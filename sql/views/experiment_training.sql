CREATE VIEW experiment_training AS
SELECT
    experiment.group_key AS experiment,
    training_run.id      AS run_id,
    training_run.run_key AS run,
    training_run.network,
    split.seed,
    split.fold + 1       AS fold,
    training_run.status,
    training_run.seconds
FROM experiment
JOIN training_run ON training_run.group_key = experiment.group_key
JOIN split ON split.id = training_run.split_id;

COMMENT ON VIEW experiment_training IS 'One row per training of an experiment: which network, with which seed, without which fold. Its metrics are in run_score, its curves in training_curve.';
COMMENT ON COLUMN experiment_training.experiment IS 'The Airflow or shell run that trained it.';
COMMENT ON COLUMN experiment_training.run_id IS 'Number of the training run.';
COMMENT ON COLUMN experiment_training.run IS 'Its key.';
COMMENT ON COLUMN experiment_training.network IS 'What was trained.';
COMMENT ON COLUMN experiment_training.seed IS 'Of the split, the starting weights and the order of the images.';
COMMENT ON COLUMN experiment_training.fold IS 'The fold that it did not see, from 1.';
COMMENT ON COLUMN experiment_training.status IS 'running, succeeded or failed.';
COMMENT ON COLUMN experiment_training.seconds IS 'How long it took; NULL while it runs.';
