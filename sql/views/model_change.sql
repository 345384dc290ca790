CREATE VIEW model_change AS
SELECT
    (SELECT encode(image.sha256, 'hex') FROM image WHERE image.id = before.image_id)
                                                     AS image_sha256,
    model_before.name                                AS model_before,
    model_after.name                                 AS model_after,
    expression_before.name                           AS expression_before,
    expression_after.name                            AS expression_after,
    after.expression_id <> before.expression_id      AS is_flip,
    before.confidence                                AS confidence_before,
    after.confidence                                 AS confidence_after,
    after.valence - before.valence                   AS valence_shift,
    after.arousal - before.arousal                   AS arousal_shift
FROM (
    SELECT DISTINCT from_id, to_id FROM model_alias_change
    WHERE alias = 'champion' AND from_id IS NOT NULL
) AS change
JOIN model_version AS model_before ON model_before.id = change.from_id
JOIN model_version AS model_after ON model_after.id = change.to_id
CROSS JOIN image_scored_again
JOIN prediction AS before
    ON before.image_id = image_scored_again.image_id AND before.model_version_id = change.from_id
JOIN prediction AS after
    ON after.image_id = before.image_id AND after.model_version_id = change.to_id
JOIN expression AS expression_before ON expression_before.id = before.expression_id
JOIN expression AS expression_after ON expression_after.id = after.expression_id;

COMMENT ON VIEW model_change IS 'One row per change of champion and image that both models scored: where the new one predicts otherwise.';
COMMENT ON COLUMN model_change.image_sha256 IS 'SHA-256 of the image file''s bytes.';
COMMENT ON COLUMN model_change.model_before IS 'Champion before.';
COMMENT ON COLUMN model_change.model_after IS 'Champion that replaced it.';
COMMENT ON COLUMN model_change.expression_before IS 'What the earlier champion found most probable.';
COMMENT ON COLUMN model_change.expression_after IS 'What the later one found most probable.';
COMMENT ON COLUMN model_change.is_flip IS 'True where the two differ.';
COMMENT ON COLUMN model_change.confidence_before IS 'Calibrated probability of the earlier expression, 0 to 1.';
COMMENT ON COLUMN model_change.confidence_after IS 'Calibrated probability of the later expression, 0 to 1.';
COMMENT ON COLUMN model_change.valence_shift IS 'Valence after minus before, -2 to 2.';
COMMENT ON COLUMN model_change.arousal_shift IS 'Arousal after minus before, -2 to 2.';
