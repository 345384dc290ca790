CREATE VIEW current_prediction AS
SELECT
    -- Looked up for the rows that are shown, not for all that are sorted or counted.
    (SELECT encode(image.sha256, 'hex') FROM image WHERE image.id = prediction.image_id)
                                  AS image_sha256,
    expression.name               AS expression,
    prediction.confidence,
    prediction.valence,
    prediction.arousal,
    prediction.p_neutral,
    prediction.p_happy,
    prediction.p_sad,
    prediction.p_surprise,
    prediction.p_fear,
    prediction.p_disgust,
    prediction.p_anger,
    prediction.p_contempt,
    model_version.name            AS model,
    prediction.scored_at
FROM model_alias
JOIN model_version ON model_version.id = model_alias.model_version_id
JOIN prediction ON prediction.model_version_id = model_version.id
JOIN expression ON expression.id = prediction.expression_id
WHERE model_alias.alias = 'champion';

COMMENT ON VIEW current_prediction IS 'One row per image: what the current champion predicts.';
COMMENT ON COLUMN current_prediction.image_sha256 IS 'SHA-256 of the image file''s bytes: the same image under two names is one row.';
COMMENT ON COLUMN current_prediction.expression IS 'The most probable of the eight expressions.';
COMMENT ON COLUMN current_prediction.confidence IS 'Its probability, 0 to 1, calibrated: published probabilities are scaled by the model''s temperature already.';
COMMENT ON COLUMN current_prediction.valence IS 'Unpleasant (-1) to pleasant (1).';
COMMENT ON COLUMN current_prediction.arousal IS 'Calm (-1) to excited (1).';
COMMENT ON COLUMN current_prediction.model IS 'Network and version that said so.';
COMMENT ON COLUMN current_prediction.p_neutral IS 'Calibrated probability of Neutral, 0 to 1.';
COMMENT ON COLUMN current_prediction.p_happy IS 'Calibrated probability of Happy, 0 to 1.';
COMMENT ON COLUMN current_prediction.p_sad IS 'Calibrated probability of Sad, 0 to 1.';
COMMENT ON COLUMN current_prediction.p_surprise IS 'Calibrated probability of Surprise, 0 to 1.';
COMMENT ON COLUMN current_prediction.p_fear IS 'Calibrated probability of Fear, 0 to 1.';
COMMENT ON COLUMN current_prediction.p_disgust IS 'Calibrated probability of Disgust, 0 to 1.';
COMMENT ON COLUMN current_prediction.p_anger IS 'Calibrated probability of Anger, 0 to 1.';
COMMENT ON COLUMN current_prediction.p_contempt IS 'Calibrated probability of Contempt, 0 to 1.';
COMMENT ON COLUMN current_prediction.scored_at IS 'When the prediction was written.';
