CREATE VIEW daily_expression_mix AS
SELECT
    (prediction.scored_at AT TIME ZONE 'UTC')::date AS day,
    model_version.name                              AS model,
    expression.name                                 AS expression,
    count(*)                                        AS count_images,
    count(*) / sum(count(*)) OVER (
        PARTITION BY (prediction.scored_at AT TIME ZONE 'UTC')::date, model_version.name
    )                                               AS share
FROM prediction
JOIN model_version ON model_version.id = prediction.model_version_id
JOIN expression ON expression.id = prediction.expression_id
GROUP BY 1, 2, 3;

COMMENT ON VIEW daily_expression_mix IS 'One row per day, model and expression that was seen: how many images, and which share of the day.';
COMMENT ON COLUMN daily_expression_mix.day IS 'Day of scoring, UTC.';
COMMENT ON COLUMN daily_expression_mix.model IS 'Network and version that said so.';
COMMENT ON COLUMN daily_expression_mix.expression IS 'The most probable of the eight expressions; one that no image had is no row.';
COMMENT ON COLUMN daily_expression_mix.count_images IS 'Images of that day that the model called so.';
COMMENT ON COLUMN daily_expression_mix.share IS 'Of all images that the model scored on that day, 0 to 1.';
