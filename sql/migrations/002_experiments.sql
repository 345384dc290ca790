-- Networks trained over folds and seeds belong together, and are compared by all that they held out.

CREATE TABLE experiment (
    group_key  text PRIMARY KEY,
    dataset_id bigint NOT NULL REFERENCES dataset,
    networks   text[] NOT NULL CHECK (cardinality(networks) > 0),
    preset     text NOT NULL,
    folds      integer NOT NULL CHECK (folds >= 1),
    repeats    integer NOT NULL CHECK (repeats >= 1),
    seed       bigint NOT NULL,
    note       text,
    opened_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE experiment IS 'One row per training run of Airflow or a shell: which networks it trains how often; its trainings are the rows of training_run with its group_key.';
COMMENT ON COLUMN experiment.folds IS 'Each network is trained as often for each seed, without one fold of the images each; 1 is one split by the recipe''s share.';
COMMENT ON COLUMN experiment.repeats IS 'Number of seeds.';
COMMENT ON COLUMN experiment.seed IS 'The first of them; the others follow.';

CREATE TABLE experiment_metric (
    group_key       text NOT NULL REFERENCES experiment ON DELETE CASCADE,
    network         text NOT NULL,
    metric          text NOT NULL,
    value           double precision NOT NULL,
    low             double precision NOT NULL,
    high            double precision NOT NULL,
    seed_spread     double precision CHECK (seed_spread >= 0),
    fold_spread     double precision CHECK (fold_spread >= 0),
    count_trainings integer NOT NULL CHECK (count_trainings >= 2),
    PRIMARY KEY (group_key, network, metric),
    CHECK (low <= high)
);
COMMENT ON TABLE experiment_metric IS 'One row per experiment, network and metric: over all images that its trainings held out, each counted once per seed.';
COMMENT ON COLUMN experiment_metric.value IS 'Mean over the seeds.';
COMMENT ON COLUMN experiment_metric.low IS 'Lower end of the 95 % interval, for other images and other trainings (Nadeau and Bengio 2003).';
COMMENT ON COLUMN experiment_metric.high IS 'Its upper end.';
COMMENT ON COLUMN experiment_metric.seed_spread IS 'Standard deviation between the seeds; NULL for one seed.';
COMMENT ON COLUMN experiment_metric.fold_spread IS 'Standard deviation between the folds of a seed, of the metric on each fold''s own images; NULL for one fold.';
COMMENT ON COLUMN experiment_metric.count_trainings IS 'Trainings behind the row.';
