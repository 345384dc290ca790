CREATE VIEW low_confidence_prediction AS
SELECT
    -- Looked up for the rows that are shown, not for all that are sorted or counted.
    (SELECT encode(image.sha256, 'hex') FROM image WHERE image.id = prediction.image_id)
                                  AS image_sha256,
    model_version.name            AS model,
    expression.name               AS expression,
    prediction.confidence,
    prediction.scored_at
FROM prediction
JOIN model_version ON model_version.id = prediction.model_version_id
JOIN expression ON expression.id = prediction.expression_id
WHERE prediction.confidence < 0.5;

COMMENT ON VIEW low_confidence_prediction IS 'One row per image and model whose most probable expression has a probability under 0.5.';
COMMENT ON COLUMN low_confidence_prediction.image_sha256 IS 'SHA-256 of the image file''s bytes.';
COMMENT ON COLUMN low_confidence_prediction.model IS 'Network and version that said so.';
COMMENT ON COLUMN low_confidence_prediction.expression IS 'The most probable of the eight expressions.';
COMMENT ON COLUMN low_confidence_prediction.confidence IS 'Its calibrated probability, 0 to 0.5.';
COMMENT ON COLUMN low_confidence_prediction.scored_at IS 'When the prediction was written.';
