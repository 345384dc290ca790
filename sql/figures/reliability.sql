-- How sure and how often right, in 15 bins of confidence; ECE is the mean distance, by images.
WITH bin AS (
    SELECT run_id,
           greatest(ceil(confidence::float8 * 15)::int - 1, 0) AS bin,
           count(*) AS images,
           avg(confidence::float8) AS confidence,
           avg(is_right::int)::float8 AS accuracy
    FROM validation_answer
    WHERE run_id IN (:runs)
    GROUP BY 1, 2
)
SELECT run_id, bin, images, confidence, accuracy,
       sum(images * abs(confidence - accuracy)) OVER (PARTITION BY run_id)
           / sum(images) OVER (PARTITION BY run_id)::float8 AS ece
FROM bin ORDER BY run_id, bin
