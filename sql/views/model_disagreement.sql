CREATE VIEW model_disagreement AS
SELECT
    (SELECT encode(image.sha256, 'hex') FROM image WHERE image.id = said.image_id)
                                      AS image_sha256,
    one.name                          AS model,
    another.name                      AS other_model,
    expression_of_one.name            AS expression,
    expression_of_another.name        AS other_expression,
    said.confidence,
    otherwise.confidence              AS other_confidence,
    said.valence - otherwise.valence  AS valence_gap,
    said.arousal - otherwise.arousal  AS arousal_gap,
    greatest(said.scored_at, otherwise.scored_at) AS scored_at
FROM image_scored_again
JOIN prediction AS said ON said.image_id = image_scored_again.image_id
JOIN prediction AS otherwise
    ON otherwise.image_id = said.image_id
   AND otherwise.model_version_id > said.model_version_id
   AND otherwise.expression_id <> said.expression_id
JOIN model_version AS one ON one.id = said.model_version_id
JOIN model_version AS another ON another.id = otherwise.model_version_id
JOIN expression AS expression_of_one ON expression_of_one.id = said.expression_id
JOIN expression AS expression_of_another ON expression_of_another.id = otherwise.expression_id;

COMMENT ON VIEW model_disagreement IS 'One row per image and pair of models that call it different expressions; the model registered first stands first.';
COMMENT ON COLUMN model_disagreement.image_sha256 IS 'SHA-256 of the image file''s bytes.';
COMMENT ON COLUMN model_disagreement.model IS 'The model registered first.';
COMMENT ON COLUMN model_disagreement.other_model IS 'The model registered later.';
COMMENT ON COLUMN model_disagreement.expression IS 'What the first calls it.';
COMMENT ON COLUMN model_disagreement.other_expression IS 'What the later calls it.';
COMMENT ON COLUMN model_disagreement.confidence IS 'Of the first in its expression, 0 to 1, calibrated.';
COMMENT ON COLUMN model_disagreement.other_confidence IS 'Of the later in its expression, 0 to 1, calibrated.';
COMMENT ON COLUMN model_disagreement.valence_gap IS 'Valence of the first minus that of the later, -2 to 2.';
COMMENT ON COLUMN model_disagreement.arousal_gap IS 'Arousal of the first minus that of the later, -2 to 2.';
COMMENT ON COLUMN model_disagreement.scored_at IS 'When the second of the two scores came.';
