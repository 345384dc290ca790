-- Labelled data: which images, which labels, which part of which split.

CREATE TABLE dataset (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint    bytea NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
    name           text NOT NULL,
    location       text NOT NULL,
    is_drawn       boolean NOT NULL,
    count_samples  integer NOT NULL CHECK (count_samples >= 0),
    count_excluded integer NOT NULL CHECK (count_excluded >= 0),
    registered_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE dataset IS 'One row per distinct labelled data set; the fingerprint covers ids, image bytes and labels, not where it lies.';
COMMENT ON COLUMN dataset.is_drawn IS 'True for the demo''s drawn faces: figures measured on them say nothing about people.';

CREATE TABLE image (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256        bytea NOT NULL UNIQUE CHECK (length(sha256) = 32),
    first_seen_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE image IS 'One row per distinct content that came as an image, whatever its file names.';

CREATE TABLE label (
    dataset_id    bigint NOT NULL REFERENCES dataset,
    sample_id     text NOT NULL,
    image_id      bigint NOT NULL REFERENCES image,
    expression_id smallint NOT NULL REFERENCES expression,
    valence       real NOT NULL CHECK (valence BETWEEN -1 AND 1),
    arousal       real NOT NULL CHECK (arousal BETWEEN -1 AND 1),
    PRIMARY KEY (dataset_id, sample_id)
);
COMMENT ON TABLE label IS 'One row per labelled sample of a data set. The same image may stand under two sample ids, even with different labels.';
CREATE INDEX label_image ON label (image_id);

CREATE TABLE dataset_exclusion (
    dataset_id bigint NOT NULL REFERENCES dataset,
    name       text NOT NULL,
    code       text NOT NULL,
    detail     text NOT NULL,
    PRIMARY KEY (dataset_id, name, code)
);
COMMENT ON TABLE dataset_exclusion IS 'One row per file of a data set that was left out of training, with the reason.';

CREATE TABLE split (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset_id       bigint NOT NULL REFERENCES dataset,
    seed             bigint NOT NULL,
    validation_share real NOT NULL CHECK (validation_share > 0 AND validation_share < 1),
    fingerprint      bytea NOT NULL CHECK (length(fingerprint) = 32),
    UNIQUE (dataset_id, fingerprint)
);
COMMENT ON TABLE split IS 'One row per way of dividing a data set into train and validation.';

CREATE TABLE split_member (
    split_id bigint NOT NULL REFERENCES split,
    image_id bigint NOT NULL REFERENCES image,
    part     text NOT NULL CHECK (part IN ('train', 'validation')),
    PRIMARY KEY (split_id, image_id)
);
COMMENT ON TABLE split_member IS 'One row per image of a split. Keyed by content: identical images can never stand on both sides.';
