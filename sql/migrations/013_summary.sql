-- What analysts ask over all: counted once, in the transaction that writes or removes predictions.

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
COMMENT ON TABLE prediction_summary IS 'One row per change of the number of predictions, by UTC day, model, expression, confidence and quarter of the affect plane: whoever sums the rows knows the predictions. Only ever appended to, so that workers never wait for one another; the close of a batch puts rows of one key together.';
COMMENT ON COLUMN prediction_summary.model_version_id IS 'As in prediction, whose foreign key stands for it.';
COMMENT ON COLUMN prediction_summary.confidence_tenth IS '1 for a confidence in [0, 0.1), 10 for [0.9, 1), 11 for 1.';
COMMENT ON COLUMN prediction_summary.count_images IS 'Negative where predictions were removed.';
COMMENT ON COLUMN prediction_summary.sum_valence IS 'In whole millionths of a millionth, as the three sums beside it: whole numbers add up to the same in every order, and what is removed leaves nothing behind.';

CREATE TABLE image_scored_again (
    image_id bigint PRIMARY KEY
);
COMMENT ON TABLE image_scored_again IS 'One row per image that more than one model has scored or is to score: where to look for disagreement. A row may outlast its predictions, never its image.';
COMMENT ON COLUMN image_scored_again.image_id IS 'As in prediction. No foreign key, which would be looked up row by row: forget_scored_again() stands for it.';

-- What was refused, and which files hold it, from the indexes alone.
CREATE INDEX scoring_item_rejected ON scoring_item (image_id, model_version_id, id)
    WHERE state = 'rejected';
DROP INDEX inbox_file_image;
CREATE INDEX inbox_file_image ON inbox_file (image_id, id) INCLUDE (batch_id, bytes);

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

-- A night's images in their order, from the index alone.
CREATE INDEX inbox_file_of_batch ON inbox_file (batch_id, image_id);
DROP INDEX inbox_file_batch;
ALTER INDEX inbox_file_of_batch RENAME TO inbox_file_batch;
-- As the view scored_image_by_batch_affect counts it.
CREATE FUNCTION affect_of_batch(batch bigint, model bigint)
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

CREATE FUNCTION count_closed_batches() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Whoever removes something meanwhile waits until these rows are there to be taken away.
    LOCK TABLE batch_affect IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO batch_affect
    SELECT batch.id, counted.*
    FROM batch
    CROSS JOIN LATERAL affect_of_batch(batch.id, batch.model_version_id) AS counted
    WHERE batch.is_closed
      AND NOT EXISTS (SELECT FROM batch_affect AS kept WHERE kept.batch_id = batch.id)
      -- What was put back may yet be scored while it still counts as this batch's.
      AND NOT EXISTS (
          SELECT FROM refusal_retry
          WHERE refusal_retry.from_batch_id = batch.id AND refusal_retry.to_batch_id IS NULL
      );
END
$$;
COMMENT ON FUNCTION count_closed_batches() IS 'Writes batch_affect for closed batches that have no row.';

CREATE FUNCTION forget_batch_affect() RETURNS trigger
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
CREATE TRIGGER refused_file_is_put_back AFTER INSERT ON refusal_retry
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION forget_batch_affect();

-- Statement by statement: COPY calls it once. Whole numbers from reals: see sum_valence.
CREATE FUNCTION summarise_predictions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    -- Chunks are looked up row by row, whatever the planner believes of the tables.
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
COMMENT ON FUNCTION summarise_predictions() IS 'Keeps prediction_summary and image_scored_again true in the transaction that changes prediction, whoever does it.';
-- An image that is being scored cannot go: its prediction's item is locked, and then in the way.
CREATE FUNCTION forget_scored_again() RETURNS trigger
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

CREATE FUNCTION compact_prediction_summary() RETURNS void
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

CREATE FUNCTION recount_predictions() RETURNS void
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
SELECT recount_predictions();
SELECT count_closed_batches();

-- Days are answered by the summary now: one index less for every row that is published.
DROP INDEX prediction_day;
