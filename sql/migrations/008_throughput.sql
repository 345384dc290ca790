-- The ledger at speed: claims and publishing cost the same however many items there are.

-- A claim changes state, fence and lease; none of them stands in an index any more, so the new
-- version of the row stays on its page (HOT) where the page has room, and no index grows. Only the
-- end of an item leaves this index. Ordered by planned_at first: no other index offers that
-- order, so that no planner's mood can make a claim walk over everything that was ever scored.
DROP INDEX scoring_item_open;
CREATE INDEX scoring_item_open ON scoring_item (model_version_id, planned_at, id)
    WHERE finished_at IS NULL;
ALTER TABLE scoring_item SET (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0.05
);

-- The newest places of a content, in order: without the id in it, the planner may prefer to walk
-- backwards over every file that ever came.
DROP INDEX inbox_file_image;
CREATE INDEX inbox_file_image ON inbox_file (image_id, id);

-- A foreign key is looked up row by row, 4 to 7 microseconds each: more than the row itself costs.
-- One composite key to the item says more than two did: no prediction without its promise.
ALTER TABLE prediction
    DROP CONSTRAINT prediction_image_id_fkey,
    DROP CONSTRAINT prediction_model_version_id_fkey,
    DROP CONSTRAINT prediction_expression_id_fkey,
    ADD CONSTRAINT prediction_item_fkey FOREIGN KEY (image_id, model_version_id)
        REFERENCES scoring_item (image_id, model_version_id),
    ADD CONSTRAINT prediction_expression_known CHECK (expression_id BETWEEN 0 AND 7);
-- Items and files take their model and batch from the batch's own row, in the statement that makes
-- them, and nobody may delete a batch or a model that a batch names: the same few parents
-- need not be looked up a million times.
ALTER TABLE scoring_item DROP CONSTRAINT scoring_item_model_version_id_fkey;
ALTER TABLE inbox_file DROP CONSTRAINT inbox_file_batch_id_fkey;
COMMENT ON COLUMN scoring_item.model_version_id IS 'The model that the batch pinned; batch.model_version_id holds the foreign key.';
COMMENT ON COLUMN inbox_file.batch_id IS 'The batch that first saw the file, or that tried it again.';
COMMENT ON COLUMN scoring_item.attempts IS 'Claims that were not given back: one more than the workers that vanished while holding it.';

-- Numbers taken a hundred at a time: one look at the sequence less per row. Nothing reads an order
-- into these two.
ALTER TABLE image ALTER COLUMN id SET CACHE 100;
ALTER TABLE scoring_item ALTER COLUMN id SET CACHE 100;

CREATE FUNCTION refuse_orphans() RETURNS trigger
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
