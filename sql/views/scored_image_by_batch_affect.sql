CREATE VIEW scored_image_by_batch_affect AS
SELECT
    batch.run_key      AS batch,
    model_version.name AS model,
    batch.opened_at,
    coalesce(kept.first_day, live.first_day)           AS first_day,
    coalesce(kept.count_images, live.count_images)     AS count_images,
    coalesce(kept.mean_valence, live.mean_valence)     AS mean_valence,
    coalesce(kept.spread_valence, live.spread_valence) AS spread_valence,
    coalesce(kept.mean_arousal, live.mean_arousal)     AS mean_arousal,
    coalesce(kept.spread_arousal, live.spread_arousal) AS spread_arousal,
    coalesce(kept.mean_confidence, live.mean_confidence) AS mean_confidence
FROM batch
JOIN model_version ON model_version.id = batch.model_version_id
LEFT JOIN batch_affect AS kept ON kept.batch_id = batch.id
-- Open batches, and those of which something was removed since a batch was closed last.
LEFT JOIN LATERAL (
    SELECT min((scored_at AT TIME ZONE 'UTC')::date) AS first_day, count(*) AS count_images,
           avg(valence) AS mean_valence, stddev_samp(valence) AS spread_valence,
           avg(arousal) AS mean_arousal, stddev_samp(arousal) AS spread_arousal,
           avg(confidence) AS mean_confidence
    FROM (
        SELECT DISTINCT inbox_file.image_id FROM inbox_file WHERE inbox_file.batch_id = batch.id
    ) AS delivered
    CROSS JOIN LATERAL (
        SELECT scored_at, valence, arousal, confidence FROM prediction
        WHERE prediction.image_id = delivered.image_id
          AND prediction.model_version_id = batch.model_version_id
        OFFSET 0
    ) AS said
    WHERE kept.batch_id IS NULL
) AS live ON true
WHERE coalesce(kept.count_images, live.count_images) > 0;

COMMENT ON VIEW scored_image_by_batch_affect IS 'One row per scoring run: valence and arousal of the images that came with it.';
COMMENT ON COLUMN scored_image_by_batch_affect.batch IS 'The scoring run.';
COMMENT ON COLUMN scored_image_by_batch_affect.model IS 'Network and version pinned when the run opened.';
COMMENT ON COLUMN scored_image_by_batch_affect.opened_at IS 'When the run began: the order of the nights.';
COMMENT ON COLUMN scored_image_by_batch_affect.first_day IS 'Day of the earliest score among its images, UTC; earlier than the run for content known before.';
COMMENT ON COLUMN scored_image_by_batch_affect.count_images IS 'Distinct images delivered with the run and scored.';
COMMENT ON COLUMN scored_image_by_batch_affect.mean_valence IS 'Mean valence, -1 unpleasant to 1 pleasant.';
COMMENT ON COLUMN scored_image_by_batch_affect.spread_valence IS 'Standard deviation of valence; NULL for one image.';
COMMENT ON COLUMN scored_image_by_batch_affect.mean_arousal IS 'Mean arousal, -1 calm to 1 excited.';
COMMENT ON COLUMN scored_image_by_batch_affect.spread_arousal IS 'Standard deviation of arousal; NULL for one image.';
COMMENT ON COLUMN scored_image_by_batch_affect.mean_confidence IS 'Mean calibrated probability of the most probable expression, 0 to 1.';
