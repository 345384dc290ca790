CREATE VIEW scored_image_count AS
SELECT
    prediction_summary.day,
    model_version.name                            AS model,
    expression.name                               AS expression,
    prediction_summary.confidence_tenth / 10.0 - 0.1 AS from_confidence,
    prediction_summary.is_pleasant,
    prediction_summary.is_excited,
    sum(prediction_summary.count_images)::bigint  AS count_images
FROM prediction_summary
JOIN model_version ON model_version.id = prediction_summary.model_version_id
JOIN expression ON expression.id = prediction_summary.expression_id
GROUP BY 1, 2, 3, 4, 5, 6
HAVING sum(prediction_summary.count_images) > 0;

COMMENT ON VIEW scored_image_count IS 'One row per day, model, expression, tenth of confidence and quarter of the affect plane: how many images. What to ask when the question begins with how many.';
COMMENT ON COLUMN scored_image_count.day IS 'UTC day of scoring.';
COMMENT ON COLUMN scored_image_count.model IS 'Network and version, e.g. resnet50 v3.';
COMMENT ON COLUMN scored_image_count.expression IS 'The most probable expression.';
COMMENT ON COLUMN scored_image_count.from_confidence IS 'Where the tenth of (calibrated) confidence begins: 0.3 stands for 0.3 to below 0.4, 1.0 for exactly 1.';
COMMENT ON COLUMN scored_image_count.is_pleasant IS 'Whether valence is 0 or more.';
COMMENT ON COLUMN scored_image_count.is_excited IS 'Whether arousal is 0 or more.';
COMMENT ON COLUMN scored_image_count.count_images IS 'Images.';
