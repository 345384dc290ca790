-- Model versions, and which of them is current.

CREATE TABLE model_version (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id         bigint NOT NULL UNIQUE REFERENCES training_run,
    network        text NOT NULL,
    version        integer NOT NULL CHECK (version >= 1),
    name           text GENERATED ALWAYS AS (network || ' v' || version::text) STORED,
    weights_sha256 bytea NOT NULL CHECK (length(weights_sha256) = 32),
    preprocessing_fingerprint bytea NOT NULL CHECK (length(preprocessing_fingerprint) = 32),
    card           jsonb NOT NULL,
    folder         text NOT NULL,
    registered_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (network, version)
);
COMMENT ON TABLE model_version IS 'One row per trained model that can score: one per successful run.';
COMMENT ON COLUMN model_version.card IS 'The model''s own description (model.json).';
CREATE UNIQUE INDEX model_version_name ON model_version (name);
-- Not unique: the same recipe, data and seed on the same device give the same weights again,
-- and both runs must be able to register them.
CREATE INDEX model_version_weights ON model_version (weights_sha256);

CREATE TABLE model_alias (
    alias            text PRIMARY KEY CHECK (alias IN ('champion', 'challenger')),
    model_version_id bigint NOT NULL REFERENCES model_version
);
COMMENT ON TABLE model_alias IS 'One row per alias in use; swapped by compare-and-set.';

CREATE TABLE model_alias_change (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alias      text NOT NULL CHECK (alias IN ('champion', 'challenger')),
    from_id    bigint REFERENCES model_version,
    to_id      bigint NOT NULL REFERENCES model_version,
    reason     text NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE model_alias_change IS 'One row per swap of an alias, kept for ever.';

CREATE TABLE report (
    group_key   text PRIMARY KEY,
    folder      text NOT NULL,
    verdict     text NOT NULL,
    count_runs  integer NOT NULL,
    rendered_at timestamptz NOT NULL
);
COMMENT ON TABLE report IS 'One row per rendered comparison report; rendering again replaces it.';
