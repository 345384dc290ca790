CREATE VIEW experiment_summary AS
SELECT
    experiment.group_key AS experiment,
    dataset.name         AS dataset,
    experiment.networks,
    experiment.preset,
    experiment.folds,
    experiment.repeats,
    experiment.seed,
    cardinality(experiment.networks) * experiment.folds * experiment.repeats AS count_trainings,
    count(training_run.id) FILTER (WHERE training_run.status = 'succeeded') AS count_succeeded,
    count(training_run.id) FILTER (WHERE training_run.status = 'failed')    AS count_failed,
    count(training_run.id) FILTER (WHERE training_run.status = 'running')   AS count_running,
    sum(training_run.seconds)::float8 AS seconds,
    experiment.opened_at,
    max(training_run.finished_at)     AS finished_at
FROM experiment
JOIN dataset ON dataset.id = experiment.dataset_id
LEFT JOIN training_run ON training_run.group_key = experiment.group_key
GROUP BY experiment.group_key, dataset.id;

COMMENT ON VIEW experiment_summary IS 'One row per experiment: what it trains how often, and how far it is.';
COMMENT ON COLUMN experiment_summary.experiment IS 'The Airflow or shell run that trains.';
COMMENT ON COLUMN experiment_summary.dataset IS 'The labelled set''s name.';
COMMENT ON COLUMN experiment_summary.networks IS 'The compared networks.';
COMMENT ON COLUMN experiment_summary.preset IS 'The recipe that they began as.';
COMMENT ON COLUMN experiment_summary.folds IS 'Each network is trained as often for each seed.';
COMMENT ON COLUMN experiment_summary.repeats IS 'Number of seeds.';
COMMENT ON COLUMN experiment_summary.seed IS 'The first of them.';
COMMENT ON COLUMN experiment_summary.count_trainings IS 'Networks times folds times seeds.';
COMMENT ON COLUMN experiment_summary.count_succeeded IS 'Trainings that have ended well.';
COMMENT ON COLUMN experiment_summary.count_failed IS 'Trainings that have failed.';
COMMENT ON COLUMN experiment_summary.count_running IS 'Trainings that have begun and not ended.';
COMMENT ON COLUMN experiment_summary.seconds IS 'What the ended ones took, added up.';
COMMENT ON COLUMN experiment_summary.opened_at IS 'When it began.';
COMMENT ON COLUMN experiment_summary.finished_at IS 'When the last of the ended trainings ended.';
