-- What a training had to adjust, how far its confidence can be trusted, and doubtful labels.

ALTER TABLE split
    ADD COLUMN fold integer NOT NULL DEFAULT 0 CHECK (fold >= 0);
COMMENT ON COLUMN split.fold IS 'Which share of the shuffled images is held out, from 0.';

ALTER TABLE training_run
    ADD COLUMN adjustments jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN training_run.adjustments IS 'What training changed on the way to get through, oldest first: e.g. half the batch size, twice the accumulation, after the memory ran out.';

CREATE TABLE calibration (
    run_id      bigint PRIMARY KEY REFERENCES training_run ON DELETE CASCADE,
    temperature double precision NOT NULL CHECK (temperature > 0),
    ece_before  double precision NOT NULL CHECK (ece_before BETWEEN 0 AND 1),
    ece_after   double precision NOT NULL CHECK (ece_after BETWEEN 0 AND 1),
    count_images integer NOT NULL CHECK (count_images > 0)
);
COMMENT ON TABLE calibration IS 'One row per run: the temperature that its logits are divided by before the softmax, and the expected calibration error on the held-out images before and after (the latter cross-fitted).';

CREATE TABLE doubtful_label (
    dataset_id    bigint NOT NULL REFERENCES dataset ON DELETE CASCADE,
    group_key     text NOT NULL,
    sample_id     text NOT NULL,
    expression_id smallint NOT NULL REFERENCES expression,
    suggested_id  smallint NOT NULL REFERENCES expression,
    p_given       real NOT NULL CHECK (p_given BETWEEN 0 AND 1),
    p_suggested   real NOT NULL CHECK (p_suggested BETWEEN 0 AND 1),
    PRIMARY KEY (dataset_id, group_key, sample_id),
    CHECK (expression_id <> suggested_id)
);
COMMENT ON TABLE doubtful_label IS 'One row per sample whose label networks that never saw it contradict with confidence; group_key names the cross-validation that found it.';
