CREATE VIEW validation_answer AS
SELECT
    training_run.id             AS run_id,
    training_run.run_key        AS run,
    training_run.network,
    encode(image.sha256, 'hex') AS image_sha256,
    labelled.name               AS labelled,
    called.name                 AS called,
    labelled.id = called.id     AS is_right,
    best.confidence,
    said.p_neutral, said.p_happy, said.p_sad, said.p_surprise,
    said.p_fear, said.p_disgust, said.p_anger, said.p_contempt,
    label.valence,
    label.arousal,
    said.valence                AS said_valence,
    said.arousal                AS said_arousal
FROM training_run
JOIN split ON split.id = training_run.split_id
JOIN validation_prediction AS said ON said.run_id = training_run.id
JOIN label ON label.dataset_id = split.dataset_id AND label.sample_id = said.sample_id
JOIN image ON image.id = label.image_id
JOIN expression AS labelled ON labelled.id = label.expression_id
CROSS JOIN LATERAL (
    SELECT greatest(said.p_neutral, said.p_happy, said.p_sad, said.p_surprise,
                    said.p_fear, said.p_disgust, said.p_anger, said.p_contempt) AS confidence
) AS best
JOIN expression AS called ON called.id = array_position(
    -- Of equal probabilities the first expression counts.
    ARRAY[said.p_neutral, said.p_happy, said.p_sad, said.p_surprise,
          said.p_fear, said.p_disgust, said.p_anger, said.p_contempt], best.confidence
) - 1;

COMMENT ON VIEW validation_answer IS 'One row per training run and validation sample: its labels and what the network predicts. Byte-identical samples are rows of their own.';
COMMENT ON COLUMN validation_answer.run_id IS 'Number of the training run.';
COMMENT ON COLUMN validation_answer.run IS 'Its key: the run that trained, and the network.';
COMMENT ON COLUMN validation_answer.network IS 'What was trained.';
COMMENT ON COLUMN validation_answer.image_sha256 IS 'SHA-256 of the image file''s bytes.';
COMMENT ON COLUMN validation_answer.labelled IS 'The expression in the data set''s labels.';
COMMENT ON COLUMN validation_answer.called IS 'The expression that the network found most probable.';
COMMENT ON COLUMN validation_answer.is_right IS 'Whether they are the same.';
COMMENT ON COLUMN validation_answer.confidence IS 'Probability of that expression, 0 to 1, uncalibrated: before the temperature that published predictions are scaled by.';
COMMENT ON COLUMN validation_answer.p_neutral IS 'Probability of Neutral, 0 to 1, uncalibrated.';
COMMENT ON COLUMN validation_answer.p_happy IS 'Probability of Happy, 0 to 1, uncalibrated.';
COMMENT ON COLUMN validation_answer.p_sad IS 'Probability of Sad, 0 to 1, uncalibrated.';
COMMENT ON COLUMN validation_answer.p_surprise IS 'Probability of Surprise, 0 to 1, uncalibrated.';
COMMENT ON COLUMN validation_answer.p_fear IS 'Probability of Fear, 0 to 1, uncalibrated.';
COMMENT ON COLUMN validation_answer.p_disgust IS 'Probability of Disgust, 0 to 1, uncalibrated.';
COMMENT ON COLUMN validation_answer.p_anger IS 'Probability of Anger, 0 to 1, uncalibrated.';
COMMENT ON COLUMN validation_answer.p_contempt IS 'Probability of Contempt, 0 to 1, uncalibrated.';
COMMENT ON COLUMN validation_answer.valence IS 'Labelled: unpleasant (-1) to pleasant (1).';
COMMENT ON COLUMN validation_answer.arousal IS 'Labelled: calm (-1) to excited (1).';
COMMENT ON COLUMN validation_answer.said_valence IS 'Predicted: unpleasant (-1) to pleasant (1).';
COMMENT ON COLUMN validation_answer.said_arousal IS 'Predicted: calm (-1) to excited (1).';
