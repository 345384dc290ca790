-- Errors by where the truth lies in the plane of valence and arousal.
SELECT
    run_id,
    CASE WHEN valence::float8 ^ 2 + arousal::float8 ^ 2 < 0.2::float8 ^ 2 THEN 'near the middle'
         WHEN arousal >= 0 THEN CASE WHEN valence >= 0 THEN 'pleasant, excited'
                                     ELSE 'unpleasant, excited' END
         WHEN valence < 0 THEN 'unpleasant, calm'
         ELSE 'pleasant, calm' END AS region,
    count(*) AS images,
    sqrt(avg((said_valence::float8 - valence::float8) ^ 2)) AS rmse_valence,
    sqrt(avg((said_arousal::float8 - arousal::float8) ^ 2)) AS rmse_arousal,
    avg(said_valence::float8 - valence::float8) AS bias_valence,
    avg(said_arousal::float8 - arousal::float8) AS bias_arousal
FROM validation_answer
WHERE run_id IN (:runs)
GROUP BY 1, 2
ORDER BY 1, 2
