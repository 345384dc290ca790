-- What reports of any runs need: what each holds, for the index, and what each model costs to run.

ALTER TABLE report
    ADD COLUMN title    text NOT NULL DEFAULT '',
    ADD COLUMN run_keys text[] NOT NULL DEFAULT '{}',
    ADD COLUMN networks text[] NOT NULL DEFAULT '{}',
    ADD COLUMN datasets text[] NOT NULL DEFAULT '{}',
    ADD COLUMN outcomes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN is_drawn boolean NOT NULL DEFAULT false;
COMMENT ON TABLE report IS 'One row per comparison report: of the runs of one training run (its key), or of any runs that were named (a key made of theirs). Rendering again replaces it.';
COMMENT ON COLUMN report.run_keys IS 'The compared training runs, in the order shown.';
COMMENT ON COLUMN report.outcomes IS 'One per task: winner, no_winner, no_skill, one_run, not_paired or no_run.';
COMMENT ON COLUMN report.is_drawn IS 'True when no compared run saw a photograph.';

CREATE TABLE model_cost (
    model_version_id  bigint NOT NULL REFERENCES model_version ON DELETE CASCADE,
    device            text NOT NULL,
    flops             bigint NOT NULL CHECK (flops > 0),
    weights_bytes     bigint NOT NULL CHECK (weights_bytes > 0),
    batch_size        integer NOT NULL CHECK (batch_size > 0),
    images_per_second double precision NOT NULL CHECK (images_per_second > 0),
    peak_bytes        bigint CHECK (peak_bytes > 0),
    measured_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model_version_id, device)
);
COMMENT ON TABLE model_cost IS 'One row per model and device on which it was timed: what one image costs, without reading or decoding it.';
COMMENT ON COLUMN model_cost.flops IS 'Floating-point operations of one image''s forward pass; a multiplication and its addition are two.';
COMMENT ON COLUMN model_cost.images_per_second IS 'Forward passes alone, in float32, as PyTorch runs the network; prepared engines are faster.';
COMMENT ON COLUMN model_cost.peak_bytes IS 'Weights and the most that a batch''s forward pass took beyond them; NULL where it could not be told.';
