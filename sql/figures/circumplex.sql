-- Where each expression lies in the plane of valence and arousal: mean truth and mean prediction.
SELECT run_id, labelled,
       avg(valence::float8) AS valence, avg(arousal::float8) AS arousal,
       avg(said_valence::float8) AS said_valence, avg(said_arousal::float8) AS said_arousal
FROM validation_answer
WHERE run_id IN (:runs)
GROUP BY run_id, labelled
ORDER BY run_id, labelled
