CREATE VIEW daily_expression_mix AS
SELECT
    prediction_summary.day,
    model_version.name        AS model,
    expression.name           AS expression,
    sum(count_images)::bigint AS count_images,
    sum(count_images) / sum(sum(count_images)) OVER (
        PARTITION BY prediction_summary.day, model_version.name
    )                         AS share
FROM prediction_summary
JOIN model_version ON model_version.id = prediction_summary.model_version_id
JOIN expression ON expression.id = prediction_summary.expression_id
GROUP BY 1, 2, 3
HAVING sum(count_images) > 0;

COMMENT ON VIEW daily_expression_mix IS 'One row per day, model and expression that was seen: how many images, and which share of the day.';
COMMENT ON COLUMN daily_expression_mix.day IS 'Day of scoring, UTC.';
COMMENT ON COLUMN daily_expression_mix.model IS 'Network and version that said so.';
COMMENT ON COLUMN daily_expression_mix.expression IS 'The most probable of the eight expressions; one that no image had is no row.';
COMMENT ON COLUMN daily_expression_mix.count_images IS 'Images of that day that the model called so.';
COMMENT ON COLUMN daily_expression_mix.share IS 'Of all images that the model scored on that day, 0 to 1.';
