-- The ledger: what arrived, what is to be scored, what became of it.
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
    CHECK (is_closed = (closed_at IS NOT NULL)),
    CHECK (NOT is_closed OR count_found = count_done + count_rejected + count_quarantined)
);
COMMENT ON TABLE batch IS 'One row per scoring run. The model is pinned when it opens; it closes only when its counts add up.';

CREATE TABLE inbox_file (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id    bigint NOT NULL REFERENCES batch,
    source      text NOT NULL,
    path        bytea NOT NULL,
    bytes       bigint NOT NULL CHECK (bytes >= 0),
    modified_ns bigint NOT NULL,
    image_id    bigint REFERENCES image,
    found_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (source, path, bytes, modified_ns)
);
COMMENT ON TABLE inbox_file IS 'One row per delivered file, in the batch that first saw it. Names are bytes: a file system promises no encoding. A changed size or time under an old name is a new delivery.';
COMMENT ON COLUMN inbox_file.image_id IS 'The file''s content; NULL when it could not be read, and then a rejection says why.';
CREATE INDEX inbox_file_batch ON inbox_file (batch_id);
CREATE INDEX inbox_file_image ON inbox_file (image_id);

CREATE TABLE scoring_item (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    image_id         bigint NOT NULL REFERENCES image,
    model_version_id bigint NOT NULL REFERENCES model_version,
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
);
COMMENT ON TABLE scoring_item IS 'One row per content and model: the promise that it is scored once. fence grows with every claim; a worker whose fence is old can publish nothing.';
COMMENT ON COLUMN scoring_item.solo_attempts IS 'Claims made for this item alone, after a worker vanished while holding it: only what kills its worker alone, again and again, is quarantined.';
CREATE INDEX scoring_item_open ON scoring_item (model_version_id, id) WHERE state IN ('pending', 'leased');

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

CREATE TABLE prediction (
    image_id         bigint NOT NULL REFERENCES image,
    model_version_id bigint NOT NULL REFERENCES model_version,
    expression_id    smallint NOT NULL REFERENCES expression,
    confidence       real NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    p_neutral  real NOT NULL CHECK (p_neutral  BETWEEN 0 AND 1),
    p_happy    real NOT NULL CHECK (p_happy    BETWEEN 0 AND 1),
    p_sad      real NOT NULL CHECK (p_sad      BETWEEN 0 AND 1),
    p_surprise real NOT NULL CHECK (p_surprise BETWEEN 0 AND 1),
    p_fear     real NOT NULL CHECK (p_fear     BETWEEN 0 AND 1),
    p_disgust  real NOT NULL CHECK (p_disgust  BETWEEN 0 AND 1),
    p_anger    real NOT NULL CHECK (p_anger    BETWEEN 0 AND 1),
    p_contempt real NOT NULL CHECK (p_contempt BETWEEN 0 AND 1),
    valence          real NOT NULL CHECK (valence BETWEEN -1 AND 1),
    arousal          real NOT NULL CHECK (arousal BETWEEN -1 AND 1),
    scored_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (image_id, model_version_id),
    CHECK (p_neutral + p_happy + p_sad + p_surprise + p_fear + p_disgust + p_anger + p_contempt
           BETWEEN 0.99 AND 1.01)
);
COMMENT ON TABLE prediction IS 'One row per content and model. NaN fails the range checks, since PostgreSQL sorts it above every number.';
CREATE INDEX prediction_model ON prediction (model_version_id, scored_at);

CREATE FUNCTION readable_path(path bytea) RETURNS text
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
