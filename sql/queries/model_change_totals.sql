SELECT
    count(*) AS count_images,
    count(*) FILTER (WHERE is_flip) AS count_flips,
    avg(valence_shift) AS mean_valence_shift,
    avg(abs(valence_shift)) AS mean_valence_distance,
    avg(arousal_shift) AS mean_arousal_shift,
    avg(abs(arousal_shift)) AS mean_arousal_distance
FROM model_change
WHERE model_before = :before AND model_after = :after
