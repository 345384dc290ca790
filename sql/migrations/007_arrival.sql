-- What arrives: folders that a manifest holds back, refusals put back to be tried again, and the
-- reasons that decoding in a process of its own can give.

INSERT INTO rejection_reason (code, meaning, advice) VALUES
    ('hard_link',       'The file has a second name somewhere, through which its bytes may change.', 'Deliver a copy of its own instead of a hard link.'),
    ('decoder_crashed', 'The image made its decoder crash, twice.',                   'Save it anew with another program; keep the file, it may be an attack.'),
    ('decode_timeout',  'The image was not decoded within the time limit, twice.',    'Save it anew with another program or at a smaller size.'),
    ('too_much_memory', 'Decoding the image takes more memory than the limit.',       'Deliver it at a smaller size, as JPEG.');

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
    ('manifest_unlisted',   'Files lie beside the manifest that it does not list.', 'Add them to the manifest, or move them away; the listed ones are taken in.'),
    ('manifest_unreadable', 'The manifest itself cannot be read.',                'Write manifest.csv as UTF-8 with the columns path and size or sha256.');

CREATE TABLE held_folder (
    batch_id   bigint NOT NULL REFERENCES batch,
    folder     bytea NOT NULL,
    code       text NOT NULL REFERENCES hold_reason,
    count_files integer NOT NULL CHECK (count_files >= 0),
    detail     text NOT NULL,
    seen_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (batch_id, folder, code)
);
COMMENT ON TABLE held_folder IS 'One row per folder and reason that a batch''s last look into the inbox left for a later one. Nothing of it is refused: it is taken in once its manifest is met.';
COMMENT ON COLUMN held_folder.count_files IS 'Files that the reason is about.';
COMMENT ON COLUMN held_folder.folder IS 'Inside the source; empty for the source itself.';

ALTER TABLE batch ADD COLUMN count_ignored integer, ADD COLUMN count_unsettled integer;
COMMENT ON COLUMN batch.count_ignored IS 'Dot files, .tmp, .part and the like at the last look; NULL before the first.';
COMMENT ON COLUMN batch.count_unsettled IS 'Files that may still be written to, left for a later batch at the last look.';

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
COMMENT ON TABLE refusal_retry IS 'One row per refused file that a person put back: the refusal as it stood. The next batch of its source takes the file over, and its next end is to be found there.';
COMMENT ON COLUMN refusal_retry.to_batch_id IS 'NULL until a batch has taken the file over.';
CREATE UNIQUE INDEX refusal_retry_waiting ON refusal_retry (inbox_file_id) WHERE to_batch_id IS NULL;
CREATE INDEX refusal_retry_from ON refusal_retry (from_batch_id);
