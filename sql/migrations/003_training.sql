-- Training runs and what was measured of them.

CREATE TABLE training_run (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_key           text NOT NULL UNIQUE,
    group_key         text NOT NULL,
    network           text NOT NULL,
    preset            text NOT NULL,
    recipe            jsonb NOT NULL,
    split_id          bigint NOT NULL REFERENCES split,
    note              text,
    status            text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'succeeded', 'failed')),
    failure           text,
    weights_origin    text NOT NULL,
    device            text,
    versions          jsonb NOT NULL DEFAULT '{}',
    git_revision      text,
    parameters        bigint,
    best_epoch        integer,
    images_per_second real,
    seconds           real,
    folder            text NOT NULL,
    started_at        timestamptz NOT NULL DEFAULT now(),
    finished_at       timestamptz,
    CHECK ((status = 'failed') = (failure IS NOT NULL)),
    CHECK ((status = 'running') = (finished_at IS NULL))
);
COMMENT ON TABLE training_run IS 'One row per network trained in one Airflow run; run_key is that run''s id and the network, so a retry finds its own row.';
COMMENT ON COLUMN training_run.group_key IS 'The Airflow run that trained the networks of one comparison.';
COMMENT ON COLUMN training_run.weights_origin IS 'Where the starting weights came from: imagenet or none (random).';
CREATE INDEX training_run_group ON training_run (group_key);

CREATE TABLE epoch_metric (
    run_id bigint NOT NULL REFERENCES training_run ON DELETE CASCADE,
    epoch  integer NOT NULL CHECK (epoch >= 1),
    part   text NOT NULL CHECK (part IN ('train', 'validation')),
    metric text NOT NULL,
    value  double precision NOT NULL,
    PRIMARY KEY (run_id, epoch, part, metric)
);
COMMENT ON TABLE epoch_metric IS 'One row per run, epoch, part and metric; written as each epoch ends.';

CREATE TABLE run_metric (
    run_id bigint NOT NULL REFERENCES training_run ON DELETE CASCADE,
    kind   text NOT NULL CHECK (kind IN ('network', 'chance', 'constant')),
    metric text NOT NULL,
    value  double precision NOT NULL,
    low    double precision,
    high   double precision,
    PRIMARY KEY (run_id, kind, metric),
    CHECK ((low IS NULL) = (high IS NULL)),
    CHECK (low IS NULL OR low <= high)
);
COMMENT ON TABLE run_metric IS 'One row per run and metric on the validation part, for the network, for chance and for the constant predictor; low and high are the 95 % bootstrap interval.';

CREATE TABLE validation_prediction (
    run_id    bigint NOT NULL REFERENCES training_run ON DELETE CASCADE,
    sample_id text NOT NULL,
    p_neutral  real NOT NULL CHECK (p_neutral  BETWEEN 0 AND 1),
    p_happy    real NOT NULL CHECK (p_happy    BETWEEN 0 AND 1),
    p_sad      real NOT NULL CHECK (p_sad      BETWEEN 0 AND 1),
    p_surprise real NOT NULL CHECK (p_surprise BETWEEN 0 AND 1),
    p_fear     real NOT NULL CHECK (p_fear     BETWEEN 0 AND 1),
    p_disgust  real NOT NULL CHECK (p_disgust  BETWEEN 0 AND 1),
    p_anger    real NOT NULL CHECK (p_anger    BETWEEN 0 AND 1),
    p_contempt real NOT NULL CHECK (p_contempt BETWEEN 0 AND 1),
    valence   real NOT NULL CHECK (valence BETWEEN -1 AND 1),
    arousal   real NOT NULL CHECK (arousal BETWEEN -1 AND 1),
    PRIMARY KEY (run_id, sample_id)
);
COMMENT ON TABLE validation_prediction IS 'One row per run and validation sample: what the best epoch''s weights said of it. NaN fails the range checks, since PostgreSQL sorts it above every number.';
