CREATE VIEW confusion_matrix AS
SELECT
    model_version.name AS model,
    dataset.name       AS dataset,
    encode(dataset.fingerprint, 'hex') AS dataset_fingerprint,
    encode(split.fingerprint, 'hex')   AS split_fingerprint,
    labelled.name      AS labelled,
    called.name        AS called,
    count(*)           AS count_images,
    count(*) / sum(count(*)) OVER (PARTITION BY model_version.name, labelled.name)
                       AS share
FROM model_version
JOIN training_run ON training_run.id = model_version.run_id
JOIN split ON split.id = training_run.split_id
JOIN dataset ON dataset.id = split.dataset_id
JOIN validation_prediction AS said ON said.run_id = training_run.id
JOIN label ON label.dataset_id = split.dataset_id AND label.sample_id = said.sample_id
JOIN expression AS labelled ON labelled.id = label.expression_id
CROSS JOIN LATERAL (
    -- Of equal probabilities the first expression counts.
    SELECT array_position(
        p, greatest(p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8])
    ) - 1 AS expression_id
    FROM (SELECT ARRAY[
        said.p_neutral, said.p_happy, said.p_sad, said.p_surprise,
        said.p_fear, said.p_disgust, said.p_anger, said.p_contempt
    ] AS p) AS probabilities
) AS most_probable
JOIN expression AS called ON called.id = most_probable.expression_id
GROUP BY 1, 2, 3, 4, 5, 6;

COMMENT ON VIEW confusion_matrix IS 'One row per model, labelled expression and expression that the model called it, over its validation images. A pair that never happened is no row.';
COMMENT ON COLUMN confusion_matrix.model IS 'Network and version.';
COMMENT ON COLUMN confusion_matrix.dataset IS 'Name of the labelled data set.';
COMMENT ON COLUMN confusion_matrix.dataset_fingerprint IS 'As in model_leaderboard.';
COMMENT ON COLUMN confusion_matrix.split_fingerprint IS 'As in model_leaderboard.';
COMMENT ON COLUMN confusion_matrix.labelled IS 'The expression in the data set''s labels.';
COMMENT ON COLUMN confusion_matrix.called IS 'The expression that the model found most probable.';
COMMENT ON COLUMN confusion_matrix.count_images IS 'Validation samples labelled and called so.';
COMMENT ON COLUMN confusion_matrix.share IS 'Of the samples labelled so, 0 to 1: recall where labelled and called are the same.';
