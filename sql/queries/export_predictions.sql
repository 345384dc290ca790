-- What a model says of each image that it scored from :since up to, but without, :until. Without
-- :model it is the champion. Images in the order of arrival, so that two exports compare.
SELECT
    encode(image.sha256, 'hex')   AS image_sha256,
    model_version.name            AS model,
    expression.name               AS expression,
    prediction.confidence,
    prediction.valence,
    prediction.arousal,
    prediction.p_neutral, prediction.p_happy, prediction.p_sad, prediction.p_surprise,
    prediction.p_fear, prediction.p_disgust, prediction.p_anger, prediction.p_contempt,
    prediction.scored_at
FROM prediction
JOIN model_version ON model_version.id = prediction.model_version_id
JOIN expression ON expression.id = prediction.expression_id
JOIN image ON image.id = prediction.image_id
WHERE prediction.model_version_id = :model_version_id
  AND prediction.scored_at >= :since
  AND (cast(:until AS timestamptz) IS NULL OR prediction.scored_at < :until)
ORDER BY prediction.image_id
