CREATE VIEW scored_image_by_batch AS
SELECT
    batch.run_key                                   AS batch,
    (prediction.scored_at AT TIME ZONE 'UTC')::date AS day,
    -- Looked up for the rows that are shown, not for all that are sorted or counted.
    (SELECT encode(image.sha256, 'hex') FROM image WHERE image.id = prediction.image_id)
                                  AS image_sha256,
    model_version.name                              AS model,
    expression.name                                 AS expression,
    prediction.confidence,
    prediction.valence,
    prediction.arousal
FROM batch
JOIN model_version ON model_version.id = batch.model_version_id
-- Batch by batch, so that the question about one night looks at that night's files alone.
CROSS JOIN LATERAL (
    SELECT DISTINCT inbox_file.image_id FROM inbox_file WHERE inbox_file.batch_id = batch.id
) AS delivered
-- Image by image: OFFSET keeps the planner from reading all that the model ever scored.
CROSS JOIN LATERAL (
    SELECT image_id, expression_id, confidence, valence, arousal, scored_at
    FROM prediction
    WHERE prediction.image_id = delivered.image_id
      AND prediction.model_version_id = batch.model_version_id
    OFFSET 0
) AS prediction
JOIN expression ON expression.id = prediction.expression_id;

COMMENT ON VIEW scored_image_by_batch IS 'One row per batch and image delivered with it: what the batch''s model predicts. An image that came with two batches is in both.';
COMMENT ON COLUMN scored_image_by_batch.batch IS 'The scoring run.';
COMMENT ON COLUMN scored_image_by_batch.day IS 'Day of scoring, UTC.';
COMMENT ON COLUMN scored_image_by_batch.image_sha256 IS 'SHA-256 of the image file''s bytes: two names of the same bytes are one row of a batch.';
COMMENT ON COLUMN scored_image_by_batch.model IS 'Network and version that the batch was scored with.';
COMMENT ON COLUMN scored_image_by_batch.expression IS 'The most probable of the eight expressions.';
COMMENT ON COLUMN scored_image_by_batch.confidence IS 'Its calibrated probability, 0 to 1.';
COMMENT ON COLUMN scored_image_by_batch.valence IS 'Unpleasant (-1) to pleasant (1).';
COMMENT ON COLUMN scored_image_by_batch.arousal IS 'Calm (-1) to excited (1).';
