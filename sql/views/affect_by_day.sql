CREATE VIEW affect_by_day AS
SELECT
    prediction_summary.day,
    model_version.name        AS model,
    sum(count_images)::bigint AS count_images,
    (sum(sum_valence) / sum(count_images) / 1e12)::double precision AS mean_valence,
    (sqrt(greatest(0, sum(sum_valence_squared) * 1e12
                      - sum(sum_valence) * sum(sum_valence) / sum(count_images))
          / nullif(sum(count_images) - 1, 0)) / 1e12)::double precision AS spread_valence,
    (sum(sum_arousal) / sum(count_images) / 1e12)::double precision AS mean_arousal,
    (sqrt(greatest(0, sum(sum_arousal_squared) * 1e12
                      - sum(sum_arousal) * sum(sum_arousal) / sum(count_images))
          / nullif(sum(count_images) - 1, 0)) / 1e12)::double precision AS spread_arousal
FROM prediction_summary
JOIN model_version ON model_version.id = prediction_summary.model_version_id
GROUP BY 1, 2
HAVING sum(count_images) > 0;

COMMENT ON VIEW affect_by_day IS 'One row per day and model: valence and arousal of what was scored.';
COMMENT ON COLUMN affect_by_day.day IS 'Day of scoring, UTC.';
COMMENT ON COLUMN affect_by_day.model IS 'Network and version that said so.';
COMMENT ON COLUMN affect_by_day.count_images IS 'Images that the model scored on that day.';
COMMENT ON COLUMN affect_by_day.mean_valence IS 'Unpleasant (-1) to pleasant (1).';
COMMENT ON COLUMN affect_by_day.spread_valence IS 'Standard deviation of valence; NULL for a single image.';
COMMENT ON COLUMN affect_by_day.mean_arousal IS 'Calm (-1) to excited (1).';
COMMENT ON COLUMN affect_by_day.spread_arousal IS 'Standard deviation of arousal; NULL for a single image.';
