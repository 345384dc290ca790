-- Images per square of the plane, 20 by 20 squares from -1 to 1: the truth and the predictions.
WITH point AS (
    SELECT run_id, 'truth' AS whose, valence::float8 AS v, arousal::float8 AS a
    FROM validation_answer WHERE run_id IN (:runs)
    UNION ALL
    SELECT run_id, 'answer', said_valence::float8, said_arousal::float8
    FROM validation_answer WHERE run_id IN (:runs)
)
SELECT run_id, whose,
       least(floor((v + 1) * 10)::int, 19) AS square_valence,
       least(floor((a + 1) * 10)::int, 19) AS square_arousal,
       count(*) AS images
FROM point
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
