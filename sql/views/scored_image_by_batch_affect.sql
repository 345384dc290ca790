CREATE VIEW scored_image_by_batch_affect AS
SELECT
    batch,
    model,
    min(day)             AS first_day,
    count(*)             AS count_images,
    avg(valence)         AS mean_valence,
    stddev_samp(valence) AS spread_valence,
    avg(arousal)         AS mean_arousal,
    stddev_samp(arousal) AS spread_arousal,
    avg(confidence)      AS mean_confidence
FROM scored_image_by_batch
GROUP BY batch, model;

COMMENT ON VIEW scored_image_by_batch_affect IS 'One row per scoring run: valence and arousal of the images that came with it.';
COMMENT ON COLUMN scored_image_by_batch_affect.batch IS 'The scoring run.';
COMMENT ON COLUMN scored_image_by_batch_affect.model IS 'Network and version pinned when the run opened.';
COMMENT ON COLUMN scored_image_by_batch_affect.first_day IS 'Day of the earliest score among its images, UTC; earlier than the run for content known before.';
COMMENT ON COLUMN scored_image_by_batch_affect.count_images IS 'Distinct images delivered with the run and scored.';
COMMENT ON COLUMN scored_image_by_batch_affect.mean_valence IS 'Mean valence, -1 unpleasant to 1 pleasant.';
COMMENT ON COLUMN scored_image_by_batch_affect.spread_valence IS 'Standard deviation of valence; NULL for one image.';
COMMENT ON COLUMN scored_image_by_batch_affect.mean_arousal IS 'Mean arousal, -1 calm to 1 excited.';
COMMENT ON COLUMN scored_image_by_batch_affect.spread_arousal IS 'Standard deviation of arousal; NULL for one image.';
COMMENT ON COLUMN scored_image_by_batch_affect.mean_confidence IS 'Mean probability of the most probable expression, 0 to 1.';
