-- What a run's model said of its validation samples, without the labels.
SELECT
    p_neutral, p_happy, p_sad, p_surprise, p_fear, p_disgust, p_anger, p_contempt, valence, arousal
FROM validation_prediction
WHERE run_id = :run_id
ORDER BY hashtext(sample_id), sample_id
LIMIT :limit
