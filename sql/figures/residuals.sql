-- Images by prediction minus truth, in bins of a tenth from -2 to 2.
SELECT run_id, dimension,
       least(floor((said::float8 - truth::float8 + 2) / 4 * 40)::int, 39) AS bin,
       count(*) AS images
FROM validation_answer
CROSS JOIN LATERAL unnest(
    ARRAY['valence', 'arousal'], ARRAY[valence, arousal], ARRAY[said_valence, said_arousal]
) AS of_both (dimension, truth, said)
WHERE run_id IN (:runs)
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
