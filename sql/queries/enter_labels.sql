INSERT INTO label (dataset_id, sample_id, image_id, expression_id, valence, arousal)
SELECT :dataset_id, sample_id, image.id, expression, valence, arousal
FROM incoming_label
JOIN image ON image.sha256 = decode(incoming_label.sha256, 'hex')
