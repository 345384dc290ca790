-- What each of two models said of the samples that both held out.
SELECT
    held.sample_id, encode(image.sha256, 'hex') AS sha256, held.expression_id AS expression,
    held.valence, held.arousal,
    (held.candidate).p_neutral, (held.candidate).p_happy, (held.candidate).p_sad,
    (held.candidate).p_surprise, (held.candidate).p_fear, (held.candidate).p_disgust,
    (held.candidate).p_anger, (held.candidate).p_contempt,
    (held.candidate).valence AS predicted_valence, (held.candidate).arousal AS predicted_arousal,
    (held.champion).p_neutral AS champion_p_neutral, (held.champion).p_happy AS champion_p_happy,
    (held.champion).p_sad AS champion_p_sad, (held.champion).p_surprise AS champion_p_surprise,
    (held.champion).p_fear AS champion_p_fear, (held.champion).p_disgust AS champion_p_disgust,
    (held.champion).p_anger AS champion_p_anger,
    (held.champion).p_contempt AS champion_p_contempt,
    (held.champion).valence AS champion_predicted_valence,
    (held.champion).arousal AS champion_predicted_arousal
FROM held_out_by_both(:candidate_id, :champion_id) AS held
JOIN image ON image.id = held.image_id
ORDER BY held.sample_id
