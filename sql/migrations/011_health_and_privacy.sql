-- What is watched after each night, how long what is kept, what was erased for good, and what
-- each source may be used for.

CREATE TABLE health_check (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    check_key        text NOT NULL UNIQUE,
    source           text NOT NULL,
    batch_id         bigint REFERENCES batch,
    model_version_id bigint REFERENCES model_version,
    checked_at       timestamptz NOT NULL DEFAULT now(),
    CHECK ((batch_id IS NULL) = (model_version_id IS NULL))
);
COMMENT ON TABLE health_check IS 'One row per look at the system''s health; check_key is the run that looked, so a retry finds its own row.';
COMMENT ON COLUMN health_check.source IS 'The inbox that was looked at.';
COMMENT ON COLUMN health_check.batch_id IS 'The newest closed night when it looked; NULL before the first.';
CREATE INDEX health_check_source ON health_check (source, id);

CREATE TABLE health_reading (
    check_id        bigint NOT NULL REFERENCES health_check ON DELETE CASCADE,
    measure         text NOT NULL CHECK (measure ~ '^[a-z][a-z_]*$'),
    against         text NOT NULL CHECK (against IN ('validation', 'recent nights', 'limit')),
    value           double precision CHECK (value <> 'NaN'),
    low             double precision CHECK (low <> 'NaN'),
    high            double precision CHECK (high <> 'NaN'),
    limit_value     double precision CHECK (limit_value <> 'NaN'),
    p_value         double precision CHECK (p_value BETWEEN 0 AND 1),
    count_images    bigint NOT NULL CHECK (count_images >= 0),
    count_reference bigint CHECK (count_reference >= 0),
    status          text NOT NULL CHECK (status IN ('fine', 'alarm', 'too few', 'no reference')),
    is_new_alarm    boolean NOT NULL DEFAULT false,
    sentence        text NOT NULL,
    PRIMARY KEY (check_id, measure, against),
    CHECK (status NOT IN ('fine', 'alarm') OR (value IS NOT NULL AND limit_value IS NOT NULL)),
    CHECK (NOT is_new_alarm OR status = 'alarm')
);
COMMENT ON TABLE health_reading IS 'One row per check and measure: the figure, the limit that it is held against, and a sentence for people.';
COMMENT ON COLUMN health_reading.is_new_alarm IS 'True when the check before did not find this alarm: what is told to people is the crossing, not the standing.';
COMMENT ON COLUMN health_reading.limit_value IS 'Beyond it is an alarm; for drift it grows as the night gets smaller.';

-- --- use limits ------------------------------------------------------------------------------

CREATE TABLE source_purpose (
    source      text PRIMARY KEY,
    purpose     text NOT NULL CHECK (purpose IN (
                    'research', 'medical', 'safety', 'quality', 'workplace', 'education', 'other')),
    basis       text CHECK (basis IN ('medical', 'safety')),
    basis_note  text CHECK (length(basis_note) > 0),
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((basis IS NULL) = (basis_note IS NULL))
);
COMMENT ON TABLE source_purpose IS 'One row per source whose purpose somebody recorded. Workplace and education are refused without a medical or safety basis (EU AI Act, Article 5(1)(f)).';
COMMENT ON COLUMN source_purpose.basis_note IS 'What the basis rests on: a decision, a contract, a document''s number.';

CREATE TABLE source_purpose_change (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source      text NOT NULL,
    purpose     text NOT NULL,
    basis       text,
    basis_note  text,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE source_purpose_change IS 'One row per time that somebody recorded a source''s purpose, kept for ever.';

-- --- subjects, holds, erasure ----------------------------------------------------------------

CREATE TABLE subject_image (
    subject_hmac bytea NOT NULL CHECK (length(subject_hmac) = 32),
    image_id     bigint NOT NULL REFERENCES image,
    PRIMARY KEY (subject_hmac, image_id)
);
COMMENT ON TABLE subject_image IS 'One row per subject and image that a manifest''s column subject named. The subject''s key is not kept, only its HMAC-SHA-256 under this installation''s key.';
CREATE INDEX subject_image_image ON subject_image (image_id);

CREATE TABLE legal_hold (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('content', 'subject', 'source', 'dataset')),
    content      bytea CHECK (length(content) = 32),
    subject_hmac bytea CHECK (length(subject_hmac) = 32),
    source       text,
    dataset_id   bigint REFERENCES dataset,
    reason       text NOT NULL,
    placed_by    text NOT NULL,
    placed_at    timestamptz NOT NULL DEFAULT now(),
    lifted_by    text,
    lifted_at    timestamptz,
    CHECK (num_nonnulls(content, subject_hmac, source, dataset_id) = 1),
    CHECK ((lifted_by IS NULL) = (lifted_at IS NULL)),
    CHECK (CASE kind WHEN 'content' THEN content IS NOT NULL
                     WHEN 'subject' THEN subject_hmac IS NOT NULL
                     WHEN 'source' THEN source IS NOT NULL
                     ELSE dataset_id IS NOT NULL END)
);
COMMENT ON TABLE legal_hold IS 'One row per order to keep: neither retention nor erasure touches what it names until it is lifted.';
CREATE INDEX legal_hold_standing ON legal_hold (kind) WHERE lifted_at IS NULL;

CREATE FUNCTION standing_hold(which bigint) RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT min(legal_hold.id) FROM legal_hold
    WHERE legal_hold.lifted_at IS NULL
      AND CASE legal_hold.kind
          WHEN 'content' THEN EXISTS (
              SELECT FROM image
              WHERE image.id = which AND image.sha256 = legal_hold.content)
          WHEN 'subject' THEN EXISTS (
              SELECT FROM subject_image
              WHERE subject_image.image_id = which
                AND subject_image.subject_hmac = legal_hold.subject_hmac)
          WHEN 'source' THEN EXISTS (
              SELECT FROM inbox_file
              WHERE inbox_file.image_id = which AND inbox_file.source = legal_hold.source)
          ELSE EXISTS (
              SELECT FROM label
              WHERE label.image_id = which AND label.dataset_id = legal_hold.dataset_id)
      END
$$;
COMMENT ON FUNCTION standing_hold(bigint) IS 'The oldest standing hold on an image, by its id; NULL when nothing holds it.';

-- A row of image can only go when nothing names it: both are asked once per erased image.
CREATE INDEX split_member_image ON split_member (image_id);
CREATE INDEX refusal_retry_file ON refusal_retry (inbox_file_id);

CREATE TABLE erasure (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asked_by          text NOT NULL CHECK (asked_by IN ('content', 'file', 'subject', 'replay')),
    reason            text NOT NULL,
    requested_by      text NOT NULL,
    requested_at      timestamptz NOT NULL DEFAULT now(),
    finished_at       timestamptz,
    count_contents    integer NOT NULL DEFAULT 0,
    count_files       integer NOT NULL DEFAULT 0,
    count_predictions integer NOT NULL DEFAULT 0,
    count_refusals    integer NOT NULL DEFAULT 0,
    count_labels      integer NOT NULL DEFAULT 0,
    count_held        integer NOT NULL DEFAULT 0,
    models            text[] NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE erasure IS 'One row per request to erase: who asked, why, and how much went. What went is not in it.';
COMMENT ON COLUMN erasure.finished_at IS 'NULL while bytes are left to remove; see erasure_leftover.';
COMMENT ON COLUMN erasure.models IS 'Names of the models that were trained on what was erased: their weights are not undone by it.';

CREATE TABLE erasure_tombstone (
    content_hmac bytea PRIMARY KEY CHECK (length(content_hmac) = 32),
    erased_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE erasure_tombstone IS 'One row per erased content: the HMAC-SHA-256 of its SHA-256 under this installation''s key. It says no to the same bytes, and cannot be tried out against a list of known hashes without the key.';

CREATE TABLE erasure_key (
    is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32)
);
COMMENT ON TABLE erasure_key IS 'One row per installation, made at first use: the HMAC of a fixed word, so that another key is noticed before it lets erased content in.';

CREATE TABLE erasure_leftover (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    erasure_id   bigint NOT NULL REFERENCES erasure,
    source       text NOT NULL,
    path         bytea NOT NULL,
    content_hmac bytea CHECK (length(content_hmac) = 32),
    problem      text NOT NULL,
    noticed_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE erasure_leftover IS 'One row per file whose bytes are still to be removed; it goes when they are gone.';
COMMENT ON COLUMN erasure_leftover.content_hmac IS 'What the file must still hold to be removed; NULL for a file that could never be read.';

INSERT INTO rejection_reason (code, meaning, advice) VALUES
    ('erased', 'The content was erased here and must not come back.', 'Remove the file at the sender; if the erasure was a mistake, see docs/privacy.md.');

-- --- retention -------------------------------------------------------------------------------

CREATE TABLE retention_policy (
    class      text PRIMARY KEY CHECK (class IN ('images', 'predictions', 'refusals', 'audit')),
    days       integer CHECK (days BETWEEN 1 AND 36500),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE retention_policy IS 'One row per class of data: for how many days it is kept.';
COMMENT ON COLUMN retention_policy.days IS 'NULL: kept without limit.';
INSERT INTO retention_policy (class, days, changed_by) VALUES
    ('images', NULL, 'installation'), ('predictions', NULL, 'installation'),
    ('refusals', NULL, 'installation'), ('audit', NULL, 'installation');

CREATE TABLE retention_run (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_key       text NOT NULL,
    class         text NOT NULL REFERENCES retention_policy,
    cutoff        timestamptz NOT NULL,
    count_removed bigint NOT NULL DEFAULT 0 CHECK (count_removed >= 0),
    count_held    bigint NOT NULL DEFAULT 0 CHECK (count_held >= 0),
    count_failed  bigint NOT NULL DEFAULT 0 CHECK (count_failed >= 0),
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    UNIQUE (run_key, class)
);
COMMENT ON TABLE retention_run IS 'One row per run and class: the proof of what was removed, up to which day, and what was not.';
COMMENT ON COLUMN retention_run.count_held IS 'What was old enough, but under a legal hold.';
COMMENT ON COLUMN retention_run.count_failed IS 'Files that could not be removed; the next run tries again.';

ALTER TABLE inbox_file ADD COLUMN removed_at timestamptz;
COMMENT ON COLUMN inbox_file.removed_at IS 'When retention removed the file''s bytes; NULL while they are ours to find.';
