-- The whole schema: tables by what they are about, then functions with their triggers. Views and grants
-- lie in files of their own (sql/views, sql/grants.sql) and are made anew whenever their text changes.
-- Comments and functions can be stated again over what there is: sql/carry_over.sql relies on it.

-- --- vocabulary ------------------------------------------------------------------------------

CREATE TABLE expression (
    id   smallint PRIMARY KEY CHECK (id BETWEEN 0 AND 7),
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE expression IS 'One row per expression, in AffectNet''s order; id is the label in files, arrays and tables.';
INSERT INTO expression (id, name) VALUES
    (0, 'Neutral'), (1, 'Happy'), (2, 'Sad'), (3, 'Surprise'),
    (4, 'Fear'), (5, 'Disgust'), (6, 'Anger'), (7, 'Contempt');

CREATE TABLE rejection_reason (
    code    text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]*$'),
    meaning text NOT NULL,
    advice  text NOT NULL
);
COMMENT ON TABLE rejection_reason IS 'One row per reason for which a file or an image is refused, with what to do about it.';
INSERT INTO rejection_reason (code, meaning, advice) VALUES
    ('empty_file',           'The file holds no bytes.',                             'Deliver it again.'),
    ('too_large_file',       'The file is larger than the limit on bytes.',          'Deliver a smaller file.'),
    ('not_an_image',         'The bytes are not an image.',                          'Check what the sender exports.'),
    ('unsupported_format',   'An image, but not JPEG, PNG or WebP.',                 'Convert it to JPEG, PNG or WebP.'),
    ('truncated',            'The image ends before its pixels do.',                 'Deliver it again; the copy was cut short.'),
    ('too_many_pixels',      'The image claims more pixels than the limit.',         'Deliver it at a smaller size.'),
    ('extreme_aspect',       'The image is far longer than wide, or wider than long.', 'Deliver the face, not a strip.'),
    ('decode_error',         'The decoder refused the image.',                       'See the detail; deliver it again.'),
    ('decoder_crashed',      'The image made its decoder crash, twice.',             'Save it anew with another program; keep the file, it may be an attack.'),
    ('decode_timeout',       'The image was not decoded within the time limit, twice.', 'Save it anew with another program or at a smaller size.'),
    ('too_much_memory',      'Decoding the image takes more memory than the limit.', 'Deliver it at a smaller size, as JPEG.'),
    ('not_a_regular_file',   'A link, pipe, device or socket instead of a file.',    'Deliver the file itself.'),
    ('hard_link',            'The file has a second name somewhere, through which its bytes may change.', 'Deliver a copy of its own instead of a hard link.'),
    ('path_too_long',        'The path inside the inbox is longer than 1,600 bytes.', 'Deliver it with shorter folder and file names.'),
    ('unusable_name',        'The object''s key has an empty part, `.` or `..`, or ends in `/`.', 'Deliver it under another key: one slash between names.'),
    ('unreadable_file',      'The file could not be opened or read.',                'Check owner and permissions.'),
    ('missing_file',         'The file was gone when its turn came.',                'Deliver it again.'),
    ('changed_since_arrival','The file''s bytes changed after it was ingested.',     'The next batch ingests the new bytes.'),
    ('erased',               'The content was erased here and must not come back.',  'Remove the file at the sender; if the erasure was a mistake, see docs/privacy/erasure_and_retention.md.');

CREATE TABLE hold_reason (
    code    text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]*$'),
    meaning text NOT NULL,
    advice  text NOT NULL
);
COMMENT ON TABLE hold_reason IS 'One row per reason for which a folder with a manifest waits, with what to do about it.';
INSERT INTO hold_reason (code, meaning, advice) VALUES
    ('manifest_missing',    'Files of the manifest are not there yet.',           'Wait for the sender; deliver what is missing, or take it off the manifest.'),
    ('manifest_size',       'Files have another size than the manifest says.',    'Deliver them again, or correct the manifest.'),
    ('manifest_sha256',     'Files hold other bytes than the manifest says.',     'Deliver them again; the copy was damaged on its way.'),
    ('manifest_unlisted',   'Files lie beside the manifest that it does not list.', 'Add them to the manifest, or move them away; the listed ones are ingested.'),
    ('manifest_unreadable', 'The manifest itself cannot be read.',                'Write manifest.csv as UTF-8 with the columns path and size or sha256.'),
    ('misnamed_marker',     'A file is called nearly manifest.csv or _SUCCESS.',  'Rename it to exactly that, or move it away if it is something else.');

-- --- labelled data ---------------------------------------------------------------------------

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
COMMENT ON COLUMN dataset.is_drawn IS 'True for the demo''s drawn faces: metrics measured on them say nothing about people.';

-- Numbers taken a hundred at a time, here and in scoring_item: one read of the sequence less per row.
-- Nothing reads an order into them.
CREATE TABLE image (
    id            bigint GENERATED ALWAYS AS IDENTITY (CACHE 100) PRIMARY KEY,
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
    fold             integer NOT NULL DEFAULT 0 CHECK (fold >= 0),
    fingerprint      bytea NOT NULL CHECK (length(fingerprint) = 32),
    UNIQUE (dataset_id, fingerprint)
);
COMMENT ON TABLE split IS 'One row per way of dividing a data set into train and validation.';
COMMENT ON COLUMN split.fold IS 'Which share of the shuffled images is held out, from 0.';

CREATE TABLE split_member (
    split_id bigint NOT NULL REFERENCES split,
    image_id bigint NOT NULL REFERENCES image,
    split    text NOT NULL CHECK (split IN ('train', 'validation')),
    PRIMARY KEY (split_id, image_id)
);
COMMENT ON TABLE split_member IS 'One row per image of a split. Keyed by content: identical images can never stand on both sides.';
-- A row of image can only go when nothing names it: this is asked once per erased image.
CREATE INDEX split_member_image ON split_member (image_id);

CREATE TABLE label_error (
    dataset_id    bigint NOT NULL REFERENCES dataset ON DELETE CASCADE,
    group_key     text NOT NULL,
    sample_id     text NOT NULL,
    expression_id smallint NOT NULL REFERENCES expression,
    suggested_id  smallint NOT NULL REFERENCES expression,
    p_given       real NOT NULL CHECK (p_given BETWEEN 0 AND 1),
    p_suggested   real NOT NULL CHECK (p_suggested BETWEEN 0 AND 1),
    entered_at    timestamptz NOT NULL DEFAULT statement_timestamp(),
    PRIMARY KEY (dataset_id, group_key, sample_id),
    CHECK (expression_id <> suggested_id)
);
COMMENT ON TABLE label_error IS 'One row per sample whose label networks that never saw it contradict with confidence; group_key names the cross-validation that found it.';
COMMENT ON COLUMN label_error.entered_at IS 'When the cross-validation was entered: the same for all of its rows. Of two cross-validations the later one counts.';

-- --- training --------------------------------------------------------------------------------

CREATE TABLE training_run (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_key           text NOT NULL UNIQUE,
    group_key         text NOT NULL,
    network           text NOT NULL,
    preset            text NOT NULL,
    recipe            jsonb NOT NULL,
    split_id          bigint NOT NULL REFERENCES split,
    label_warnings    text[] NOT NULL DEFAULT '{}',
    note              text,
    status            text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'succeeded', 'failed')),
    failure           text,
    weights_origin    text NOT NULL,
    device            text,
    versions          jsonb NOT NULL DEFAULT '{}',
    git_revision      text,
    parameters        bigint,
    kept_epoch        integer,
    best_epoch        integer,
    adjustments       jsonb NOT NULL DEFAULT '[]',
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
COMMENT ON COLUMN training_run.label_warnings IS 'What contradicts the labels of its data set, e.g. valence and arousal that fit another order of the expressions; as found when the run was begun.';
COMMENT ON COLUMN training_run.weights_origin IS 'Where the starting weights came from: imagenet or none (random).';
COMMENT ON COLUMN training_run.kept_epoch IS 'The epoch whose weights the model has: the last one, or the best one where the recipe says keep: best; NULL while the run goes on.';
COMMENT ON COLUMN training_run.best_epoch IS 'The epoch that scored best on the validation images, kept or not.';
COMMENT ON COLUMN training_run.adjustments IS 'What training changed on the way to get through, oldest first: e.g. half the batch size, twice the accumulation, after the memory ran out.';
CREATE INDEX training_run_group ON training_run (group_key);

CREATE TABLE epoch_metric (
    run_id bigint NOT NULL REFERENCES training_run ON DELETE CASCADE,
    epoch  integer NOT NULL CHECK (epoch >= 1),
    split  text NOT NULL CHECK (split IN ('train', 'validation')),
    metric text NOT NULL,
    value  double precision NOT NULL,
    PRIMARY KEY (run_id, epoch, split, metric)
);
COMMENT ON TABLE epoch_metric IS 'One row per run, epoch, split and metric; written as each epoch ends.';

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
COMMENT ON TABLE run_metric IS 'One row per run and metric on the validation images, for the network, for chance and for the constant predictor; low and high are the 95 % interval.';

CREATE TABLE calibration (
    run_id       bigint PRIMARY KEY REFERENCES training_run ON DELETE CASCADE,
    temperature  double precision NOT NULL CHECK (temperature > 0),
    ece_before   double precision NOT NULL CHECK (ece_before BETWEEN 0 AND 1),
    ece_after    double precision NOT NULL CHECK (ece_after BETWEEN 0 AND 1),
    count_images integer NOT NULL CHECK (count_images > 0)
);
COMMENT ON TABLE calibration IS 'One row per run: the temperature that its logits are divided by before the softmax, and the expected calibration error on the held-out images before and after (the latter cross-fitted).';

CREATE TABLE validation_prediction (
    run_id     bigint NOT NULL REFERENCES training_run ON DELETE CASCADE,
    sample_id  text NOT NULL,
    p_neutral  real NOT NULL CHECK (p_neutral  BETWEEN 0 AND 1),
    p_happy    real NOT NULL CHECK (p_happy    BETWEEN 0 AND 1),
    p_sad      real NOT NULL CHECK (p_sad      BETWEEN 0 AND 1),
    p_surprise real NOT NULL CHECK (p_surprise BETWEEN 0 AND 1),
    p_fear     real NOT NULL CHECK (p_fear     BETWEEN 0 AND 1),
    p_disgust  real NOT NULL CHECK (p_disgust  BETWEEN 0 AND 1),
    p_anger    real NOT NULL CHECK (p_anger    BETWEEN 0 AND 1),
    p_contempt real NOT NULL CHECK (p_contempt BETWEEN 0 AND 1),
    valence    real NOT NULL CHECK (valence BETWEEN -1 AND 1),
    arousal    real NOT NULL CHECK (arousal BETWEEN -1 AND 1),
    PRIMARY KEY (run_id, sample_id)
);
COMMENT ON TABLE validation_prediction IS 'One row per run and validation sample: what the kept epoch''s weights predict, before the temperature. NaN fails the range checks, since PostgreSQL sorts it above every number.';

-- --- models and their aliases ----------------------------------------------------------------

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
COMMENT ON COLUMN model_cost.peak_bytes IS 'Weights and the most that a batch''s forward pass took beyond them; NULL where it could not be measured.';

CREATE TABLE promotion_gate (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_version_id   bigint NOT NULL REFERENCES model_version,
    champion_id        bigint REFERENCES model_version,
    golden             text NOT NULL CHECK (golden IN ('passed', 'missing', 'failed')),
    golden_detail      text NOT NULL,
    calibration_error  double precision CHECK (calibration_error BETWEEN 0 AND 1),
    collapse           text,
    alpha              double precision NOT NULL CHECK (alpha > 0 AND alpha <= 0.2),
    attempt            integer CHECK (attempt >= 1),
    better_below       double precision NOT NULL CHECK (better_below > 0 AND better_below <= alpha / 2),
    minimum_images     integer NOT NULL CHECK (minimum_images >= 30),
    count_images       integer NOT NULL CHECK (count_images >= 0),
    only_candidate     integer NOT NULL CHECK (only_candidate >= 0),
    only_champion      integer NOT NULL CHECK (only_champion >= 0),
    accuracy_candidate double precision CHECK (accuracy_candidate BETWEEN 0 AND 1),
    accuracy_champion  double precision CHECK (accuracy_champion BETWEEN 0 AND 1),
    accuracy_low       double precision,
    accuracy_high      double precision,
    accuracy_p         double precision CHECK (accuracy_p BETWEEN 0 AND 1),
    ccc_candidate      double precision CHECK (ccc_candidate BETWEEN -1 AND 1),
    ccc_champion       double precision CHECK (ccc_champion BETWEEN -1 AND 1),
    ccc_low            double precision,
    ccc_high           double precision,
    ccc_p              double precision CHECK (ccc_p BETWEEN 0 AND 1),
    asked_by           text NOT NULL CHECK (asked_by ~ '\S'),
    login              text NOT NULL DEFAULT session_user,
    checked_at         timestamptz NOT NULL DEFAULT now(),
    is_passed          boolean NOT NULL,
    CHECK (champion_id <> model_version_id),
    CHECK (champion_id IS NOT NULL OR num_nonnulls(accuracy_p, ccc_p) = 0)
);
COMMENT ON TABLE promotion_gate IS 'One row per time that a model was compared with the champion of that moment: what was measured, and whether it may take its place.';
COMMENT ON COLUMN promotion_gate.champion_id IS 'NULL when no model was champion yet: then nothing can be compared.';
COMMENT ON COLUMN promotion_gate.golden IS 'Whether the stored model still gives its golden outputs; failed cannot be overridden, because scoring would not begin.';
COMMENT ON COLUMN promotion_gate.calibration_error IS 'Expected calibration error after the temperature, cross-fitted; NULL when none is recorded.';
COMMENT ON COLUMN promotion_gate.collapse IS 'Why the model is degenerate; NULL when it is not.';
COMMENT ON COLUMN promotion_gate.alpha IS 'The p below which a metric counts as worse, and the chance that any of the champion''s equals ever passes.';
COMMENT ON COLUMN promotion_gate.attempt IS 'The place of this model among those that were compared with this champion, from 1; checked again it keeps its place. NULL for gates of before attempts were counted.';
COMMENT ON COLUMN promotion_gate.better_below IS 'The p below which a metric counts as better: alpha / (attempt * (attempt + 1)). Over any number of attempts these add up to alpha.';
COMMENT ON COLUMN promotion_gate.count_images IS 'Distinct images held out by both models.';
COMMENT ON COLUMN promotion_gate.only_candidate IS 'Distinct images of which more samples were right under the candidate than under the champion; McNemar''s test rests on these two counts.';
COMMENT ON COLUMN promotion_gate.only_champion IS 'Distinct images of which more samples were right under the champion.';
COMMENT ON COLUMN promotion_gate.is_passed IS 'Whether every row of promotion_rule passed; written by the trigger verify_promotion_gate, not by the writer of the row.';
CREATE INDEX promotion_gate_model ON promotion_gate (model_version_id, checked_at);

CREATE TABLE model_alias (
    alias            text PRIMARY KEY CHECK (alias IN ('champion', 'challenger')),
    model_version_id bigint NOT NULL REFERENCES model_version
);
COMMENT ON TABLE model_alias IS 'One row per alias in use; swapped by compare-and-set.';

CREATE TABLE model_alias_change (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alias      text NOT NULL CHECK (alias IN ('champion', 'challenger')),
    kind       text NOT NULL
               CHECK (kind IN ('ungated', 'promotion', 'override', 'rollback', 'challenge', 'withdrawal')),
    from_id    bigint REFERENCES model_version,
    to_id      bigint REFERENCES model_version,
    gate_id    bigint UNIQUE REFERENCES promotion_gate,
    undoes_id  bigint UNIQUE REFERENCES model_alias_change,
    reason     text NOT NULL,
    changed_by text NOT NULL,
    login      text NOT NULL DEFAULT session_user,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((alias = 'challenger') = (kind IN ('challenge', 'withdrawal'))),
    CHECK ((kind IN ('promotion', 'override')) = (gate_id IS NOT NULL)),
    CHECK ((kind = 'rollback') = (undoes_id IS NOT NULL)),
    CHECK ((kind = 'withdrawal') = (to_id IS NULL))
);
COMMENT ON TABLE model_alias_change IS 'One row per swap of an alias, kept for ever.';
COMMENT ON COLUMN model_alias_change.kind IS 'ungated: before there was a gate; promotion: through the gate; override: past it, for the reason given; rollback; challenge and withdrawal of a challenger.';
COMMENT ON COLUMN model_alias_change.to_id IS 'NULL when the alias was taken away: only a challenger can be withdrawn.';
COMMENT ON COLUMN model_alias_change.gate_id IS 'The gate that the change rests on; each serves once.';
COMMENT ON COLUMN model_alias_change.undoes_id IS 'The change that a rollback undid.';
COMMENT ON COLUMN model_alias_change.login IS 'The database login; changed_by is the person.';

CREATE TABLE report (
    group_key   text PRIMARY KEY,
    folder      text NOT NULL,
    title       text NOT NULL DEFAULT '',
    verdict     text NOT NULL,
    outcomes    text[] NOT NULL DEFAULT '{}',
    count_runs  integer NOT NULL,
    run_keys    text[] NOT NULL DEFAULT '{}',
    networks    text[] NOT NULL DEFAULT '{}',
    datasets    text[] NOT NULL DEFAULT '{}',
    is_drawn    boolean NOT NULL DEFAULT false,
    rendered_at timestamptz NOT NULL
);
COMMENT ON TABLE report IS 'One row per comparison report: of the runs of one training run (its key), or of any runs that were named (a key made of theirs). Rendering again replaces it.';
COMMENT ON COLUMN report.outcomes IS 'One per task: winner, no_winner, no_skill, one_run, not_paired or no_run.';
COMMENT ON COLUMN report.run_keys IS 'The compared training runs, in the order shown.';
COMMENT ON COLUMN report.is_drawn IS 'True when no compared run saw a photograph.';

-- --- the ledger: what arrived, what is to be scored, what became of it -----------------------
-- Not partitioned: a unique constraint would have to hold the partition column, and the content
-- key (image x model) is what makes scoring happen exactly once in effect.

CREATE TABLE batch (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_key           text NOT NULL UNIQUE,
    source            text NOT NULL,
    model_version_id  bigint NOT NULL REFERENCES model_version,
    is_closed         boolean NOT NULL DEFAULT false,
    opened_at         timestamptz NOT NULL DEFAULT now(),
    closed_at         timestamptz,
    count_found       integer,
    count_done        integer,
    count_rejected    integer,
    count_quarantined integer,
    count_ignored     integer,
    count_unsettled   integer,
    CHECK (is_closed = (closed_at IS NOT NULL)),
    CHECK (NOT is_closed OR count_found = count_done + count_rejected + count_quarantined)
);
COMMENT ON TABLE batch IS 'One row per scoring run. The model is pinned when it opens; it closes only when its counts add up.';
COMMENT ON COLUMN batch.count_ignored IS 'Dot files, .tmp, .part and the like when the inbox was last read; NULL before the first time.';
COMMENT ON COLUMN batch.count_unsettled IS 'Files that may still be written to, left for a later batch when the inbox was last read.';

-- The foreign key of batch_id would be looked up row by row, 4 to 7 microseconds each: more than the row
-- itself costs. Files take it from the batch's own row, in the statement that makes them, and
-- refuse_orphans() is the other half.
CREATE TABLE inbox_file (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id    bigint NOT NULL,
    source      text NOT NULL,
    path        bytea NOT NULL,
    bytes       bigint NOT NULL CHECK (bytes >= 0),
    modified_ns bigint NOT NULL,
    image_id    bigint REFERENCES image,
    found_at    timestamptz NOT NULL DEFAULT now(),
    removed_at  timestamptz,
    UNIQUE (source, path, bytes, modified_ns)
);
COMMENT ON TABLE inbox_file IS 'One row per delivered file, in the batch that first saw it. Names are bytes: a file system promises no encoding. A changed size or time under an old name is a new delivery.';
COMMENT ON COLUMN inbox_file.batch_id IS 'The batch that first saw the file, or that tried it again.';
COMMENT ON COLUMN inbox_file.image_id IS 'The file''s content; NULL when it could not be read, and then a rejection says why.';
COMMENT ON COLUMN inbox_file.removed_at IS 'When retention removed the file''s bytes; NULL while they are ours to find.';
-- The images of a batch in their order, and the newest places of a content with what is counted of
-- them, from the indexes alone. Without the id in the latter, the planner may prefer to walk backwards
-- over every file that ever came.
CREATE INDEX inbox_file_batch ON inbox_file (batch_id, image_id);
CREATE INDEX inbox_file_image ON inbox_file (image_id, id) INCLUDE (batch_id, bytes);

-- model_version_id is the batch's: nobody may delete a model that a batch names, so that the same few
-- parents need not be looked up a million times.
CREATE TABLE scoring_item (
    id               bigint GENERATED ALWAYS AS IDENTITY (CACHE 100) PRIMARY KEY,
    image_id         bigint NOT NULL REFERENCES image,
    model_version_id bigint NOT NULL,
    state            text NOT NULL DEFAULT 'pending'
                     CHECK (state IN ('pending', 'leased', 'done', 'rejected', 'quarantined')),
    fence            integer NOT NULL DEFAULT 0,
    attempts         integer NOT NULL DEFAULT 0,
    solo_attempts    integer NOT NULL DEFAULT 0,
    lease_until      timestamptz,
    worker           text,
    planned_at       timestamptz NOT NULL DEFAULT now(),
    finished_at      timestamptz,
    UNIQUE (image_id, model_version_id),
    CHECK ((state = 'leased') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('done', 'rejected', 'quarantined')) = (finished_at IS NOT NULL))
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0.05
);
COMMENT ON TABLE scoring_item IS 'One row per content and model: the promise that it is scored once. fence grows with every claim; a worker whose fence is old can publish nothing.';
COMMENT ON COLUMN scoring_item.model_version_id IS 'The model that the batch pinned; batch.model_version_id holds the foreign key.';
COMMENT ON COLUMN scoring_item.attempts IS 'Claims that were not given back: one more than the workers that vanished while holding it.';
COMMENT ON COLUMN scoring_item.solo_attempts IS 'Claims made for this item alone, after a worker vanished while holding it: only what kills its worker alone, again and again, is quarantined.';
-- A claim changes state, fence and lease; none of them stands in this index, so the new version of the
-- row stays on its page (HOT) where the page has room, and no index grows. Only the end of an item
-- leaves it. Ordered by planned_at first: no other index offers that order, so that no planner's guess
-- can make a claim walk over everything that was ever scored.
CREATE INDEX scoring_item_open ON scoring_item (model_version_id, planned_at, id)
    WHERE finished_at IS NULL;
-- What was refused, from the index alone.
CREATE INDEX scoring_item_rejected ON scoring_item (image_id, model_version_id, id)
    WHERE state = 'rejected';

CREATE TABLE rejection (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    inbox_file_id   bigint UNIQUE REFERENCES inbox_file,
    scoring_item_id bigint UNIQUE REFERENCES scoring_item,
    code            text NOT NULL REFERENCES rejection_reason,
    detail          text NOT NULL,
    rejected_at     timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nonnulls(inbox_file_id, scoring_item_id) = 1)
);
COMMENT ON TABLE rejection IS 'One row per refused file (it could not be read) or refused content (it could not be decoded).';

CREATE TABLE refusal_retry (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    inbox_file_id bigint NOT NULL REFERENCES inbox_file,
    from_batch_id bigint NOT NULL REFERENCES batch,
    to_batch_id   bigint REFERENCES batch,
    code          text NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]*$'),
    detail        text NOT NULL,
    rejected_at   timestamptz NOT NULL,
    requested_at  timestamptz NOT NULL DEFAULT now(),
    requested_by  text NOT NULL,
    retried_at    timestamptz,
    CHECK ((to_batch_id IS NULL) = (retried_at IS NULL))
);
COMMENT ON TABLE refusal_retry IS 'One row per refused file whose retry a person asked for: the refusal as it stood. The next batch of its source takes the file over; what becomes of it then is found there.';
COMMENT ON COLUMN refusal_retry.to_batch_id IS 'NULL until a batch has taken the file over.';
CREATE UNIQUE INDEX refusal_retry_waiting ON refusal_retry (inbox_file_id) WHERE to_batch_id IS NULL;
CREATE INDEX refusal_retry_from ON refusal_retry (from_batch_id);
CREATE INDEX refusal_retry_file ON refusal_retry (inbox_file_id);

CREATE TABLE held_folder (
    batch_id    bigint NOT NULL REFERENCES batch,
    folder      bytea NOT NULL,
    code        text NOT NULL REFERENCES hold_reason,
    count_files integer NOT NULL CHECK (count_files >= 0),
    detail      text NOT NULL,
    seen_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (batch_id, folder, code)
);
COMMENT ON TABLE held_folder IS 'One row per folder and reason that a batch left for a later one when it last read the inbox. Nothing of it is refused: it is ingested once its manifest is met.';
COMMENT ON COLUMN held_folder.folder IS 'Inside the source; empty for the source itself.';
COMMENT ON COLUMN held_folder.count_files IS 'Files that the reason is about.';

-- One composite key to the item says more than two to its parents: no prediction without its promise.
CREATE TABLE prediction (
    image_id         bigint NOT NULL,
    model_version_id bigint NOT NULL,
    expression_id    smallint NOT NULL CONSTRAINT prediction_expression_known CHECK (expression_id BETWEEN 0 AND 7),
    confidence       real NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    p_neutral        real NOT NULL CHECK (p_neutral  BETWEEN 0 AND 1),
    p_happy          real NOT NULL CHECK (p_happy    BETWEEN 0 AND 1),
    p_sad            real NOT NULL CHECK (p_sad      BETWEEN 0 AND 1),
    p_surprise       real NOT NULL CHECK (p_surprise BETWEEN 0 AND 1),
    p_fear           real NOT NULL CHECK (p_fear     BETWEEN 0 AND 1),
    p_disgust        real NOT NULL CHECK (p_disgust  BETWEEN 0 AND 1),
    p_anger          real NOT NULL CHECK (p_anger    BETWEEN 0 AND 1),
    p_contempt       real NOT NULL CHECK (p_contempt BETWEEN 0 AND 1),
    valence          real NOT NULL CHECK (valence BETWEEN -1 AND 1),
    arousal          real NOT NULL CHECK (arousal BETWEEN -1 AND 1),
    scored_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (image_id, model_version_id),
    CONSTRAINT prediction_item_fkey FOREIGN KEY (image_id, model_version_id)
        REFERENCES scoring_item (image_id, model_version_id),
    CHECK (p_neutral + p_happy + p_sad + p_surprise + p_fear + p_disgust + p_anger + p_contempt
           BETWEEN 0.99 AND 1.01)
);
COMMENT ON TABLE prediction IS 'One row per content and model. NaN fails the range checks, since PostgreSQL sorts it above every number.';
COMMENT ON COLUMN prediction.confidence IS 'Probability of the expression, after the model''s temperature: calibrated, as are the eight.';
CREATE INDEX prediction_model ON prediction (model_version_id, scored_at);

CREATE TABLE scoring_throughput (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_key          text NOT NULL,
    model_version_id bigint NOT NULL REFERENCES model_version,
    worker           text NOT NULL,
    host             text NOT NULL,
    device           text NOT NULL,
    engine           text NOT NULL,
    count_scored     bigint NOT NULL CHECK (count_scored >= 0),
    count_refused    bigint NOT NULL CHECK (count_refused >= 0),
    seconds          double precision NOT NULL CHECK (seconds >= 0),
    stage_seconds    jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(stage_seconds) = 'object'),
    ended_at         timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE scoring_throughput IS 'One row per scoring worker that came to its end: how much it did, how fast, and where the time went.';
COMMENT ON COLUMN scoring_throughput.seconds IS 'From the first claim to the last commit.';
COMMENT ON COLUMN scoring_throughput.stage_seconds IS 'Busy seconds by stage; stages overlap, so their sum may exceed seconds.';
CREATE INDEX scoring_throughput_run ON scoring_throughput (run_key);

CREATE TABLE rescoring (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_key          text NOT NULL UNIQUE,
    model_version_id bigint NOT NULL REFERENCES model_version,
    last_image_id    bigint NOT NULL DEFAULT 0,
    count_seen       bigint NOT NULL DEFAULT 0 CHECK (count_seen >= 0),
    count_planned    bigint NOT NULL DEFAULT 0 CHECK (count_planned BETWEEN 0 AND count_seen),
    opened_at        timestamptz NOT NULL DEFAULT now(),
    closed_at        timestamptz
);
COMMENT ON TABLE rescoring IS 'One row per run that scores the archive again with another model; it goes on where it stopped.';
COMMENT ON COLUMN rescoring.last_image_id IS 'Up to here the archive was searched.';
COMMENT ON COLUMN rescoring.count_seen IS 'Images of the archive that an older model had scored and this one had not.';
COMMENT ON COLUMN rescoring.count_planned IS 'Those whose file is still there.';

CREATE TABLE rescoring_missing (
    rescoring_id bigint NOT NULL REFERENCES rescoring,
    image_id     bigint NOT NULL REFERENCES image ON DELETE CASCADE,
    PRIMARY KEY (rescoring_id, image_id)
);
COMMENT ON TABLE rescoring_missing IS 'One row per rescoring and image whose file could not be found any more; what older models predicted stays.';

-- --- summaries: counted once, in the transaction that writes or removes predictions ----------

CREATE TABLE prediction_summary (
    id                    bigint GENERATED ALWAYS AS IDENTITY (CACHE 100) PRIMARY KEY,
    day                   date NOT NULL,
    model_version_id      bigint NOT NULL,
    expression_id         smallint NOT NULL,
    confidence_tenth      smallint NOT NULL CHECK (confidence_tenth BETWEEN 1 AND 11),
    is_pleasant           boolean NOT NULL,
    is_excited            boolean NOT NULL,
    count_images          bigint NOT NULL,
    sum_valence           numeric NOT NULL,
    sum_valence_squared   numeric NOT NULL,
    sum_arousal           numeric NOT NULL,
    sum_arousal_squared   numeric NOT NULL
);
COMMENT ON TABLE prediction_summary IS 'One row per change of the number of predictions, by UTC day, model, expression, confidence and quarter of the affect plane: the sum of the rows is what prediction holds. Only ever appended to, so that workers never wait for one another; the close of a batch puts rows of one key together.';
COMMENT ON COLUMN prediction_summary.model_version_id IS 'As in prediction, whose foreign key stands for it.';
COMMENT ON COLUMN prediction_summary.confidence_tenth IS '1 for a confidence in [0, 0.1), 10 for [0.9, 1), 11 for 1.';
COMMENT ON COLUMN prediction_summary.count_images IS 'Negative where predictions were removed.';
COMMENT ON COLUMN prediction_summary.sum_valence IS 'In whole millionths of a millionth, as the three sums beside it: whole numbers add up to the same in every order, and what is removed leaves nothing behind.';

CREATE TABLE image_scored_again (
    image_id bigint PRIMARY KEY
);
COMMENT ON TABLE image_scored_again IS 'One row per image that more than one model has scored or is to score: where to look for disagreement. A row may outlast its predictions, never its image.';
COMMENT ON COLUMN image_scored_again.image_id IS 'As in prediction. No foreign key, which would be looked up row by row: forget_scored_again() stands for it.';

CREATE TABLE batch_affect (
    batch_id        bigint PRIMARY KEY REFERENCES batch ON DELETE CASCADE,
    first_day       date,
    count_images    bigint NOT NULL,
    mean_valence    double precision,
    spread_valence  double precision,
    mean_arousal    double precision,
    spread_arousal  double precision,
    mean_confidence double precision
);
COMMENT ON TABLE batch_affect IS 'One row per closed batch: valence and arousal of its images, counted when a batch was closed. Whatever takes an image or a file from a batch takes its row away in the same transaction; the next close counts it again.';

-- --- health ----------------------------------------------------------------------------------

CREATE TABLE health_check (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    check_key        text NOT NULL UNIQUE,
    source           text NOT NULL,
    batch_id         bigint REFERENCES batch,
    model_version_id bigint REFERENCES model_version,
    checked_at       timestamptz NOT NULL DEFAULT now(),
    CHECK ((batch_id IS NULL) = (model_version_id IS NULL))
);
COMMENT ON TABLE health_check IS 'One row per health check; check_key is the run that made it, so a retry finds its own row.';
COMMENT ON COLUMN health_check.source IS 'The inbox that was checked.';
COMMENT ON COLUMN health_check.batch_id IS 'The newest closed batch at that time; NULL before the first.';
CREATE INDEX health_check_source ON health_check (source, id);

CREATE TABLE health_measurement (
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
COMMENT ON TABLE health_measurement IS 'One row per check and measure: the value, the limit that it is compared with, and a sentence for people.';
COMMENT ON COLUMN health_measurement.is_new_alarm IS 'True when the check before did not find this alarm: alerts fire when a limit is crossed, not while it stays crossed.';
COMMENT ON COLUMN health_measurement.limit_value IS 'Beyond it is an alarm; for drift it grows as the night gets smaller.';

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

-- --- subjects, legal holds, erasure ----------------------------------------------------------

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

CREATE TABLE erasure_tombstone (
    content_hmac bytea PRIMARY KEY CHECK (length(content_hmac) = 32),
    erased_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE erasure_tombstone IS 'One row per erased content: the HMAC-SHA-256 of its SHA-256 under this installation''s key. By it the same bytes are refused; without the key it cannot be tried out against a list of known hashes.';

CREATE TABLE erasure_key (
    is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32)
);
COMMENT ON TABLE erasure_key IS 'One row per installation, made at first use: the HMAC of a fixed word, so that another key is noticed before it lets erased content in.';

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

-- --- functions for people ---------------------------------------------------------------------

CREATE OR REPLACE FUNCTION readable_path(path bytea) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    name text;
BEGIN
    BEGIN
        name := convert_from(path, 'UTF8');
    EXCEPTION WHEN OTHERS THEN
        name := encode(path, 'escape');
    END;
    -- A newline or a terminal's escape sequence in a file name must not draw on anybody's screen.
    name := replace(replace(replace(name, chr(10), '\n'), chr(13), '\r'), chr(9), '\t');
    RETURN regexp_replace(name, '[[:cntrl:]]', '?', 'g');
END
$$;
COMMENT ON FUNCTION readable_path(bytea) IS 'A file name for people: UTF-8 where it is, octal escapes where not, control characters made visible.';

-- --- functions of gates and aliases -----------------------------------------------------------

-- Joined so that no missing statistics can make it compare all with all: a gate may be asked for in the
-- minute in which a large data set was entered.
CREATE OR REPLACE FUNCTION held_out_by_both(candidate_id bigint, champion_id bigint)
    RETURNS TABLE (
        sample_id text, image_id bigint, expression_id smallint, valence real, arousal real,
        candidate validation_prediction, champion validation_prediction
    )
    LANGUAGE plpgsql STABLE SET enable_nestloop = off AS $$
DECLARE
    new record;
    old record;
BEGIN
    SELECT model_version.run_id, split.id AS split_id, split.dataset_id INTO new
    FROM model_version
    JOIN training_run ON training_run.id = model_version.run_id
    JOIN split ON split.id = training_run.split_id
    WHERE model_version.id = candidate_id;
    SELECT model_version.run_id, split.id AS split_id, split.dataset_id INTO old
    FROM model_version
    JOIN training_run ON training_run.id = model_version.run_id
    JOIN split ON split.id = training_run.split_id
    WHERE model_version.id = champion_id;
    RETURN QUERY
    SELECT label.sample_id, label.image_id, label.expression_id, label.valence, label.arousal,
           new_answer, old_answer.said
    FROM label
    JOIN validation_prediction AS new_answer
        ON new_answer.run_id = new.run_id AND new_answer.sample_id = label.sample_id
    JOIN split_member AS new_member
        ON new_member.split_id = new.split_id AND new_member.image_id = label.image_id
       AND new_member.split = 'validation'
    JOIN split_member AS old_member
        ON old_member.split_id = old.split_id AND old_member.image_id = label.image_id
       AND old_member.split = 'validation'
    JOIN (
        -- The same bytes get the same answer, under whichever of their names.
        SELECT DISTINCT ON (same.image_id) same.image_id, said
        FROM label AS same
        JOIN validation_prediction AS said
            ON said.run_id = old.run_id AND said.sample_id = same.sample_id
        WHERE same.dataset_id = old.dataset_id
        ORDER BY same.image_id, same.sample_id
    ) AS old_answer ON old_answer.image_id = label.image_id
    WHERE label.dataset_id = new.dataset_id;
END
$$;
COMMENT ON FUNCTION held_out_by_both(bigint, bigint) IS 'Samples of the candidate''s data set whose image neither model was trained on and both were validated on, with what each said. Truth is the candidate''s data set''s label.';

CREATE OR REPLACE FUNCTION called(said validation_prediction) RETURNS integer
    LANGUAGE sql IMMUTABLE AS $$
    -- Of equal probabilities the first expression counts.
    SELECT array_position(p, greatest(p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8])) - 1
    FROM (SELECT ARRAY[
        said.p_neutral, said.p_happy, said.p_sad, said.p_surprise,
        said.p_fear, said.p_disgust, said.p_anger, said.p_contempt
    ] AS p) AS probabilities
$$;
COMMENT ON FUNCTION called(validation_prediction) IS 'The most probable expression of a validation prediction, 0 to 7.';

CREATE OR REPLACE FUNCTION mcnemar_p(only_first integer, only_second integer) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    tosses integer := only_first + only_second;
    fewer integer := least(only_first, only_second);
    -- In logarithms: 2^-tosses is no double from 1,075 tosses on.
    log_largest double precision := -tosses * ln(2.0::double precision);
    term double precision := 1;
    tail double precision := 1;
BEGIN
    FOR n IN 1 .. fewer LOOP
        log_largest := log_largest + ln((tosses - n + 1)::double precision / n);
    END LOOP;
    -- The sum in units of its largest term, downwards until nothing is added any more.
    FOR n IN REVERSE fewer .. 1 LOOP
        term := term * n / (tosses - n + 1);
        EXIT WHEN term < 1e-17 * tail;
        tail := tail + term;
    END LOOP;
    -- PostgreSQL raises where the exponential is smaller than any double.
    RETURN CASE WHEN log_largest < -700 THEN 0 ELSE least(1.0, 2.0 * tail * exp(log_largest)) END;
END
$$;
COMMENT ON FUNCTION mcnemar_p(integer, integer) IS 'McNemar''s exact test, two-sided, from the distinct images that only one of two models got right; 0 where it is smaller than 1e-300.';

CREATE OR REPLACE FUNCTION concordance(
    covariance double precision, variance double precision, other double precision,
    gap double precision
) RETURNS double precision
    LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(2 * covariance / nullif(variance + other + gap * gap, 0), 0)
$$;
COMMENT ON FUNCTION concordance(double precision, double precision, double precision, double precision) IS 'Lin''s concordance correlation from the moments of two variables (Lin 1989).';

-- In one place: the gate's verdict, the view promotion_check and every sentence about a gate are made of
-- the rows of this function.
CREATE OR REPLACE FUNCTION promotion_rule(gate promotion_gate) RETURNS TABLE (
    figure text, is_passed boolean, candidate_value double precision,
    champion_value double precision, low double precision, high double precision,
    p double precision, asked_for text, detail text
)
    LANGUAGE sql IMMUTABLE AS $$
    VALUES
        ('golden outputs', gate.golden = 'passed', NULL::double precision,
         NULL::double precision, NULL::double precision, NULL::double precision,
         NULL::double precision, 'the golden outputs come back',
         format('golden outputs %s: %s', gate.golden, gate.golden_detail)),
        ('calibration', gate.calibration_error IS NOT NULL, gate.calibration_error,
         NULL, NULL, NULL, NULL, 'an error after calibration is recorded',
         CASE WHEN gate.calibration_error IS NULL
              THEN 'no calibration is recorded: register its run again' END),
        ('not degenerate', gate.collapse IS NULL, NULL, NULL, NULL, NULL, NULL,
         'predictions better than chance, or predictions that vary', gate.collapse),
        ('images', gate.champion_id IS NULL OR gate.count_images >= gate.minimum_images,
         gate.count_images, NULL, NULL, NULL, NULL,
         format('at least %s held out by both', gate.minimum_images),
         format('only %s images were held out by both: train on the champion''s data and seed',
                gate.count_images)),
        ('accuracy', NOT coalesce(gate.accuracy_p < gate.alpha
                                  AND gate.only_candidate < gate.only_champion, false),
         gate.accuracy_candidate, gate.accuracy_champion, gate.accuracy_low, gate.accuracy_high,
         gate.accuracy_p, format('not worse with p below %s', gate.alpha), NULL),
        ('mean CCC', NOT coalesce(gate.ccc_p < gate.alpha
                                  AND gate.ccc_candidate < gate.ccc_champion, false),
         gate.ccc_candidate, gate.ccc_champion, gate.ccc_low, gate.ccc_high, gate.ccc_p,
         format('not worse with p below %s', gate.alpha), NULL),
        ('better in accuracy or mean CCC', gate.champion_id IS NULL OR coalesce(
            gate.accuracy_p < gate.better_below AND gate.only_candidate > gate.only_champion
            OR gate.ccc_p < gate.better_below AND gate.ccc_candidate > gate.ccc_champion, false),
         NULL, NULL, NULL, NULL, least(gate.accuracy_p, gate.ccc_p),
         format('p below %s in one of them',
                -- Three digits of it, however small; the table refuses a limit of 0 itself.
                trim_scale(round(gate.better_below::numeric,
                                 2 - floor(log(nullif(gate.better_below, 0)::numeric))::integer)))
         || coalesce(format(': %s / (%s × %s), candidate %s against this champion', gate.alpha,
                            gate.attempt, gate.attempt + 1, gate.attempt), ''), NULL)
$$;
COMMENT ON FUNCTION promotion_rule(promotion_gate) IS 'The promotion rule: one row per figure of a gate, what is required of it and whether it passed. A gate passes when every figure does.';

CREATE OR REPLACE FUNCTION verify_promotion_gate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found record;
BEGIN
    -- One gate at a time, so that each counts those before it.
    PERFORM pg_advisory_xact_lock(hashtext('promotion_gate'));
    NEW.login := session_user;
    NEW.checked_at := now();
    SELECT calibration.ece_after INTO NEW.calibration_error
    FROM model_version LEFT JOIN calibration ON calibration.run_id = model_version.run_id
    WHERE model_version.id = NEW.model_version_id;
    IF NEW.champion_id IS DISTINCT FROM
       (SELECT model_version_id FROM model_alias WHERE alias = 'champion') THEN
        RAISE serialization_failure
            USING MESSAGE = 'another model is champion now; compare the candidate with that one';
    END IF;
    WITH sample AS MATERIALIZED (
        SELECT image_id, valence, arousal, candidate, champion,
               (called(candidate) = expression_id)::integer AS candidate_right,
               (called(champion) = expression_id)::integer AS champion_right
        FROM held_out_by_both(NEW.model_version_id, NEW.champion_id)
    ), content AS (
        -- Byte-identical samples are one toss.
        SELECT sign(sum(candidate_right - champion_right)) AS gain FROM sample GROUP BY image_id
    ), tosses AS (
        SELECT count(*) AS images,
               count(*) FILTER (WHERE gain > 0) AS only_candidate,
               count(*) FILTER (WHERE gain < 0) AS only_champion
        FROM content
    ), affect AS (
        SELECT (concordance(covar_pop(valence, (candidate).valence), var_pop(valence),
                        var_pop((candidate).valence), avg(valence) - avg((candidate).valence))
            + concordance(covar_pop(arousal, (candidate).arousal), var_pop(arousal),
                        var_pop((candidate).arousal), avg(arousal) - avg((candidate).arousal))) / 2 AS ccc_candidate,
           (concordance(covar_pop(valence, (champion).valence), var_pop(valence),
                        var_pop((champion).valence), avg(valence) - avg((champion).valence))
            + concordance(covar_pop(arousal, (champion).arousal), var_pop(arousal),
                        var_pop((champion).arousal), avg(arousal) - avg((champion).arousal))) / 2 AS ccc_champion
        FROM sample
    )
    SELECT *, CASE WHEN images > 0 THEN mcnemar_p(only_candidate::integer, only_champion::integer) END
              AS accuracy_p
    INTO found FROM tosses, affect;
    -- McNemar's test is the database's own; what is claimed of it must agree.
    NEW.only_candidate := coalesce(NEW.only_candidate, found.only_candidate);
    NEW.only_champion := coalesce(NEW.only_champion, found.only_champion);
    NEW.accuracy_p := coalesce(NEW.accuracy_p, found.accuracy_p);
    IF (NEW.count_images, NEW.only_candidate, NEW.only_champion)
       <> (found.images, found.only_candidate, found.only_champion)
       OR abs(NEW.accuracy_p - coalesce(found.accuracy_p, 1)) > 1e-6
       OR abs(NEW.ccc_candidate - found.ccc_candidate) > 1e-4
       OR abs(NEW.ccc_champion - found.ccc_champion) > 1e-4 THEN
        RAISE check_violation
            USING MESSAGE = 'the figures of the gate are not those of the stored predictions';
    END IF;
    -- A model that is checked again has no new chance: its figures are the same.
    NEW.attempt := coalesce(
        (SELECT min(attempt) FROM promotion_gate
         WHERE champion_id = NEW.champion_id AND model_version_id = NEW.model_version_id
           AND count_images > 0),
        (SELECT 1 + count(DISTINCT model_version_id) FROM promotion_gate
         WHERE champion_id = NEW.champion_id AND model_version_id <> NEW.model_version_id
           AND count_images > 0));
    NEW.better_below := NEW.alpha / (NEW.attempt::double precision * (NEW.attempt + 1));
    NEW.is_passed := (SELECT bool_and(check_.is_passed) FROM promotion_rule(NEW) AS check_);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION verify_promotion_gate() IS 'Whatever of a gate follows from the tables is computed from the tables, not taken from the writer.';
CREATE TRIGGER promotion_gate_is_true BEFORE INSERT ON promotion_gate
    FOR EACH ROW EXECUTE FUNCTION verify_promotion_gate();

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format('rows of %s are never changed', TG_TABLE_NAME);
END
$$;
COMMENT ON FUNCTION refuse_change() IS 'For tables that are records of what happened.';
CREATE TRIGGER promotion_gate_is_kept BEFORE UPDATE OR DELETE ON promotion_gate
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER model_alias_change_is_kept BEFORE UPDATE OR DELETE ON model_alias_change
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION verify_alias_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gate promotion_gate;
    undone model_alias_change;
BEGIN
    NEW.login := session_user;
    NEW.changed_at := now();
    IF NEW.reason !~ '\S' OR NEW.changed_by !~ '\S' THEN
        RAISE check_violation USING MESSAGE = 'say who changes the alias, and why';
    END IF;
    IF NEW.from_id IS DISTINCT FROM
       (SELECT model_version_id FROM model_alias WHERE alias = NEW.alias) THEN
        RAISE serialization_failure
            USING MESSAGE = format('%s was moved by somebody else meanwhile', NEW.alias);
    END IF;
    IF NEW.kind IN ('promotion', 'override') THEN
        SELECT * INTO gate FROM promotion_gate WHERE id = NEW.gate_id;
        IF gate.id IS NULL OR gate.model_version_id <> NEW.to_id
           OR gate.champion_id IS DISTINCT FROM NEW.from_id THEN
            RAISE insufficient_privilege
                USING MESSAGE = 'no gate compared this model with this champion';
        ELSIF gate.checked_at < now() - interval '7 days' THEN
            RAISE insufficient_privilege
                USING MESSAGE = 'the gate is older than seven days; check again';
        ELSIF NEW.kind = 'promotion' AND NOT gate.is_passed THEN
            RAISE insufficient_privilege USING MESSAGE = 'the model did not pass the gate';
        ELSIF gate.golden = 'failed' THEN
            RAISE insufficient_privilege
                USING MESSAGE = 'a model that no longer gives its golden outputs cannot be champion';
        END IF;
    ELSIF NEW.kind = 'rollback' THEN
        SELECT * INTO undone FROM model_alias_change AS change
        WHERE change.alias = 'champion' AND change.kind <> 'rollback'
          AND NOT EXISTS (SELECT FROM model_alias_change AS later WHERE later.undoes_id = change.id)
        ORDER BY change.id DESC
        LIMIT 1;
        IF undone.id IS DISTINCT FROM NEW.undoes_id OR undone.from_id IS DISTINCT FROM NEW.to_id THEN
            RAISE insufficient_privilege
                USING MESSAGE = 'a rollback leads back to the champion before, and nowhere else';
        END IF;
    ELSIF NEW.kind = 'ungated' THEN
        RAISE insufficient_privilege USING MESSAGE = 'there is a gate now';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION verify_alias_change() IS 'No alias changes without what its kind requires, as any role.';
CREATE TRIGGER model_alias_change_is_true BEFORE INSERT ON model_alias_change
    FOR EACH ROW EXECUTE FUNCTION verify_alias_change();

CREATE OR REPLACE FUNCTION verify_alias() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    name text := coalesce(NEW.alias, OLD.alias);
BEGIN
    IF NEW.model_version_id IS DISTINCT FROM (
        SELECT to_id FROM model_alias_change WHERE alias = name ORDER BY id DESC LIMIT 1
    ) OR OLD.alias <> NEW.alias THEN
        RAISE insufficient_privilege
            USING MESSAGE = format('%s is moved by the promotion functions only', name);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION verify_alias() IS 'An alias stands where its newest recorded change put it: no other writer, not even the owner.';
CREATE TRIGGER model_alias_is_recorded AFTER INSERT OR UPDATE OR DELETE ON model_alias
    FOR EACH ROW EXECUTE FUNCTION verify_alias();

-- Owned by the owner; the roles may call it and write neither table.
CREATE OR REPLACE FUNCTION move_alias(
    alias_name text, seen_id bigint, wanted_id bigint, how text, gate bigint, undoes bigint,
    why text, who text
) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    change_id bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('model_alias'));
    IF seen_id IS DISTINCT FROM
       (SELECT model_version_id FROM model_alias WHERE alias = alias_name) THEN
        RETURN NULL;
    END IF;
    INSERT INTO model_alias_change
        (alias, from_id, to_id, kind, gate_id, undoes_id, reason, changed_by)
    VALUES (alias_name, seen_id, wanted_id, how, gate, undoes, why, who)
    RETURNING id INTO change_id;
    IF wanted_id IS NULL THEN
        DELETE FROM model_alias WHERE alias = alias_name;
    ELSE
        INSERT INTO model_alias (alias, model_version_id) VALUES (alias_name, wanted_id)
        ON CONFLICT (alias) DO UPDATE SET model_version_id = excluded.model_version_id;
    END IF;
    -- A new champion is no challenger any more.
    IF alias_name = 'champion' AND EXISTS (
        SELECT FROM model_alias WHERE alias = 'challenger' AND model_version_id = wanted_id
    ) THEN
        PERFORM move_alias('challenger', wanted_id, NULL, 'withdrawal', NULL, NULL,
                           'it became champion', who);
    END IF;
    RETURN change_id;
END
$$;
COMMENT ON FUNCTION move_alias(text, bigint, bigint, text, bigint, bigint, text, text) IS 'Compare-and-set of an alias, with its record; NULL when it no longer stands where the caller saw it. What each kind of change asks for is checked by the tables'' triggers.';

-- --- functions of the ledger ------------------------------------------------------------------

CREATE OR REPLACE FUNCTION withdraw_items(items bigint[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DELETE FROM scoring_item
    WHERE id = ANY (items)
      AND finished_at IS NULL
      AND NOT EXISTS (
          SELECT FROM inbox_file
          JOIN batch ON batch.id = inbox_file.batch_id
          WHERE inbox_file.image_id = scoring_item.image_id
            AND batch.model_version_id = scoring_item.model_version_id
            AND NOT batch.is_closed
      )
$$;
COMMENT ON FUNCTION withdraw_items(bigint[]) IS 'Withdraws items that no open batch needs and that have not ended. A worker that still holds one finds it gone and publishes nothing.';

CREATE OR REPLACE FUNCTION refuse_orphans() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inbox_file WHERE batch_id = OLD.id) THEN
        RAISE foreign_key_violation
            USING MESSAGE = format('batch %s still has files', OLD.run_key);
    END IF;
    RETURN OLD;
END
$$;
COMMENT ON FUNCTION refuse_orphans() IS 'The other half of inbox_file.batch_id''s foreign key: no batch goes while it has files.';
CREATE TRIGGER batch_keeps_its_files BEFORE DELETE ON batch
    FOR EACH ROW EXECUTE FUNCTION refuse_orphans();

-- --- functions of summaries -------------------------------------------------------------------

-- As the view scored_image_by_batch_affect counts it.
CREATE OR REPLACE FUNCTION affect_of_batch(batch bigint, model bigint)
    RETURNS TABLE (
        first_day date, count_images bigint,
        mean_valence double precision, spread_valence double precision,
        mean_arousal double precision, spread_arousal double precision,
        mean_confidence double precision
    )
    LANGUAGE sql STABLE AS $$
    SELECT min((scored_at AT TIME ZONE 'UTC')::date), count(*), avg(valence), stddev_samp(valence),
           avg(arousal), stddev_samp(arousal), avg(confidence)
    FROM (SELECT DISTINCT image_id FROM inbox_file WHERE batch_id = batch) AS delivered
    CROSS JOIN LATERAL (
        SELECT scored_at, valence, arousal, confidence FROM prediction
        WHERE prediction.image_id = delivered.image_id AND prediction.model_version_id = model
        OFFSET 0
    ) AS said
$$;
COMMENT ON FUNCTION affect_of_batch(bigint, bigint) IS 'Valence, arousal and confidence of what a model says of the images that came with a batch, counted now.';

CREATE OR REPLACE FUNCTION count_closed_batches() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Who removes something meanwhile waits until these rows are there to be taken away.
    LOCK TABLE batch_affect IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO batch_affect
    SELECT batch.id, counted.*
    FROM batch
    CROSS JOIN LATERAL affect_of_batch(batch.id, batch.model_version_id) AS counted
    WHERE batch.is_closed
      AND NOT EXISTS (SELECT FROM batch_affect AS kept WHERE kept.batch_id = batch.id)
      -- What is to be retried may yet be scored while it still counts as this batch's.
      AND NOT EXISTS (
          SELECT FROM refusal_retry
          WHERE refusal_retry.from_batch_id = batch.id AND refusal_retry.to_batch_id IS NULL
      );
END
$$;
COMMENT ON FUNCTION count_closed_batches() IS 'Writes batch_affect for closed batches that have no row.';

CREATE OR REPLACE FUNCTION forget_batch_affect() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    LOCK TABLE batch_affect IN ROW EXCLUSIVE MODE;
    IF TG_LEVEL = 'ROW' THEN
        DELETE FROM batch_affect WHERE batch_id IN (OLD.batch_id, NEW.batch_id);
    ELSIF TG_TABLE_NAME = 'refusal_retry' THEN
        DELETE FROM batch_affect USING changed WHERE batch_id = changed.from_batch_id;
    ELSE
        DELETE FROM batch_affect USING changed WHERE batch_affect.batch_id = changed.batch_id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION forget_batch_affect() IS 'Takes the row of batch_affect away whose batch gains or loses files, or may gain a prediction.';
CREATE TRIGGER batch_loses_files AFTER DELETE ON inbox_file
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION forget_batch_affect();
CREATE TRIGGER file_moves_to_another_batch AFTER UPDATE OF batch_id, image_id ON inbox_file
    FOR EACH ROW WHEN (OLD.batch_id <> NEW.batch_id OR OLD.image_id <> NEW.image_id)
    EXECUTE FUNCTION forget_batch_affect();
CREATE TRIGGER refused_file_is_retried AFTER INSERT ON refusal_retry
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION forget_batch_affect();

-- Statement by statement: COPY calls it once. Whole numbers from reals: see sum_valence.
CREATE OR REPLACE FUNCTION summarise_predictions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    -- Chunks are looked up row by row, whatever the planner knows of the tables.
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    sign integer := TG_ARGV[0];
BEGIN
    INSERT INTO prediction_summary
        (day, model_version_id, expression_id, confidence_tenth, is_pleasant, is_excited,
         count_images, sum_valence, sum_valence_squared, sum_arousal, sum_arousal_squared)
    SELECT (scored_at AT TIME ZONE 'UTC')::date, model_version_id, expression_id,
           width_bucket(confidence, 0, 1, 10), valence >= 0, arousal >= 0,
           sign * count(*),
           sign * sum((valence * 1e12::float8)::bigint),
           sign * sum((valence::float8 * valence * 1e12::float8)::bigint),
           sign * sum((arousal * 1e12::float8)::bigint),
           sign * sum((arousal::float8 * arousal * 1e12::float8)::bigint)
    FROM changed
    GROUP BY 1, 2, 3, 4, 5, 6;
    IF sign < 0 THEN
        LOCK TABLE batch_affect IN ROW EXCLUSIVE MODE;
        DELETE FROM batch_affect USING changed, inbox_file
        WHERE inbox_file.image_id = changed.image_id AND batch_affect.batch_id = inbox_file.batch_id;
    ELSE
        -- The item of the later of two models is committed before its prediction comes, and every
        -- prediction has its item: of two that publish at once, the one planned last sees the
        -- other's item.
        INSERT INTO image_scored_again
        SELECT DISTINCT changed.image_id
        FROM changed
        JOIN scoring_item AS other
            ON other.image_id = changed.image_id
           AND other.model_version_id <> changed.model_version_id
        ORDER BY 1
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION summarise_predictions() IS 'Keeps prediction_summary and image_scored_again true in the transaction that changes prediction, in any role.';
CREATE TRIGGER prediction_is_counted AFTER INSERT ON prediction
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION summarise_predictions('1');
CREATE TRIGGER prediction_is_discounted AFTER DELETE ON prediction
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION summarise_predictions('-1');
CREATE TRIGGER prediction_change_discounts_old AFTER UPDATE ON prediction
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION summarise_predictions('-1');
CREATE TRIGGER prediction_change_counts_new AFTER UPDATE ON prediction
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION summarise_predictions('1');

-- An image that is being scored cannot go: its prediction's item is locked, and then in the way.
CREATE OR REPLACE FUNCTION forget_scored_again() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM image_scored_again USING gone WHERE image_scored_again.image_id = gone.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION forget_scored_again() IS 'Takes erased images out of image_scored_again, in the same transaction.';
CREATE TRIGGER image_is_forgotten AFTER DELETE ON image
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION forget_scored_again();

CREATE OR REPLACE FUNCTION compact_prediction_summary() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Two at once would take the same rows away; the second leaves it to the first.
    IF NOT pg_try_advisory_xact_lock(hashtext('prediction_summary')) THEN
        RETURN;
    END IF;
    WITH taken AS (
        DELETE FROM prediction_summary
        WHERE (day, model_version_id) IN (
            SELECT day, model_version_id FROM prediction_summary
            GROUP BY day, model_version_id, expression_id, confidence_tenth, is_pleasant, is_excited
            HAVING count(*) > 1
        )
        RETURNING *
    )
    INSERT INTO prediction_summary
        (day, model_version_id, expression_id, confidence_tenth, is_pleasant, is_excited,
         count_images, sum_valence, sum_valence_squared, sum_arousal, sum_arousal_squared)
    SELECT day, model_version_id, expression_id, confidence_tenth, is_pleasant, is_excited,
           sum(count_images), sum(sum_valence), sum(sum_valence_squared),
           sum(sum_arousal), sum(sum_arousal_squared)
    FROM taken
    GROUP BY day, model_version_id, expression_id, confidence_tenth, is_pleasant, is_excited
    HAVING sum(count_images) <> 0;
END
$$;
COMMENT ON FUNCTION compact_prediction_summary() IS 'Puts the rows of one key together; the sums stay what they are.';

CREATE OR REPLACE FUNCTION recount_predictions() RETURNS void
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    LOCK TABLE prediction IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM prediction_summary;
    INSERT INTO prediction_summary
        (day, model_version_id, expression_id, confidence_tenth, is_pleasant, is_excited,
         count_images, sum_valence, sum_valence_squared, sum_arousal, sum_arousal_squared)
    SELECT (scored_at AT TIME ZONE 'UTC')::date, model_version_id, expression_id,
           width_bucket(confidence, 0, 1, 10), valence >= 0, arousal >= 0, count(*),
           sum((valence * 1e12::float8)::bigint),
           sum((valence::float8 * valence * 1e12::float8)::bigint),
           sum((arousal * 1e12::float8)::bigint),
           sum((arousal::float8 * arousal * 1e12::float8)::bigint)
    FROM prediction
    GROUP BY 1, 2, 3, 4, 5, 6;
    DELETE FROM image_scored_again;
    INSERT INTO image_scored_again
    SELECT image_id FROM prediction GROUP BY image_id HAVING count(*) > 1 ORDER BY image_id;
END
$$;
COMMENT ON FUNCTION recount_predictions() IS 'Counts all predictions anew; publishing waits meanwhile. For the owner, after triggers were off.';

-- --- functions of legal holds -----------------------------------------------------------------

CREATE OR REPLACE FUNCTION standing_hold(which bigint) RETURNS bigint
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
