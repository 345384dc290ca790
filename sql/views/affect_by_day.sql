CREATE VIEW affect_by_day AS
SELECT
    (prediction.scored_at AT TIME ZONE 'UTC')::date AS day,
    model_version.name                              AS model,
    count(*)                                        AS count_images,
    avg(prediction.valence)                         AS mean_valence,
    stddev_samp(prediction.valence)                 AS spread_valence,
    avg(prediction.arousal)                         AS mean_arousal,
    stddev_samp(prediction.arousal)                 AS spread_arousal
FROM prediction
JOIN model_version ON model_version.id = prediction.model_version_id
GROUP BY 1, 2;

COMMENT ON VIEW affect_by_day IS 'One row per day and model: valence and arousal of what was scored.';
COMMENT ON COLUMN affect_by_day.day IS 'Day of scoring, UTC.';
COMMENT ON COLUMN affect_by_day.model IS 'Network and version that said so.';
COMMENT ON COLUMN affect_by_day.count_images IS 'Images that the model scored on that day.';
COMMENT ON COLUMN affect_by_day.mean_valence IS 'Unpleasant (-1) to pleasant (1).';
COMMENT ON COLUMN affect_by_day.spread_valence IS 'Standard deviation of valence; NULL for a single image.';
COMMENT ON COLUMN affect_by_day.mean_arousal IS 'Calm (-1) to excited (1).';
COMMENT ON COLUMN affect_by_day.spread_arousal IS 'Standard deviation of arousal; NULL for a single image.';
