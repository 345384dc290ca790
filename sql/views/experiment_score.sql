CREATE VIEW experiment_score AS
SELECT
    group_key AS experiment, network, metric, value, low, high, seed_spread, fold_spread,
    count_trainings
FROM experiment_metric;

COMMENT ON VIEW experiment_score IS 'One row per experiment, network and metric: over all images that its trainings held out, each counted once per seed.';
COMMENT ON COLUMN experiment_score.experiment IS 'The Airflow or shell run that trained.';
COMMENT ON COLUMN experiment_score.network IS 'What was trained.';
COMMENT ON COLUMN experiment_score.metric IS 'What was measured.';
COMMENT ON COLUMN experiment_score.value IS 'Mean over the seeds.';
COMMENT ON COLUMN experiment_score.low IS 'Lower end of the 95 % interval, for other images and other trainings.';
COMMENT ON COLUMN experiment_score.high IS 'Its upper end.';
COMMENT ON COLUMN experiment_score.seed_spread IS 'Standard deviation between the seeds; NULL for one seed.';
COMMENT ON COLUMN experiment_score.fold_spread IS 'Standard deviation between the folds of a seed, each on its own images; NULL for one fold.';
COMMENT ON COLUMN experiment_score.count_trainings IS 'Trainings behind the row.';
