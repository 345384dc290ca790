SELECT
    p.sample_id, encode(image.sha256, 'hex') AS sha256, label.expression_id AS expression,
    label.valence, label.arousal,
    p.p_neutral, p.p_happy, p.p_sad, p.p_surprise, p.p_fear, p.p_disgust, p.p_anger, p.p_contempt,
    p.valence AS predicted_valence, p.arousal AS predicted_arousal
FROM validation_prediction AS p
JOIN training_run ON training_run.id = p.run_id
JOIN split ON split.id = training_run.split_id
JOIN label ON label.dataset_id = split.dataset_id AND label.sample_id = p.sample_id
JOIN image ON image.id = label.image_id
WHERE p.run_id = :run_id
ORDER BY p.sample_id COLLATE "C"
