-- The error rate among the images with the highest confidence of a run.
WITH ranked AS (
    SELECT run_id, confidence, is_right,
           -- Images of equal confidence are kept together.
           count(*) OVER most_confident AS kept,
           sum((NOT is_right)::int) OVER most_confident AS wrong,
           count(*) OVER (PARTITION BY run_id) AS everything
    FROM validation_answer
    WHERE run_id IN (:runs)
    WINDOW most_confident AS (PARTITION BY run_id ORDER BY confidence DESC)
)
SELECT DISTINCT run_id, kept::float8 / everything AS kept, wrong::float8 / kept AS wrong
FROM ranked ORDER BY run_id, kept
