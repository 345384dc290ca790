-- The share of each true expression's images that was called so, first run minus second.
WITH share AS (
    SELECT run_id, labelled, called,
           count(*)::float8 / sum(count(*)) OVER (PARTITION BY run_id, labelled)::float8 AS share
    FROM validation_answer
    WHERE run_id IN (:runs)
    GROUP BY run_id, labelled, called
), pair AS (
    SELECT DISTINCT one.run_id AS first, other.run_id AS second
    FROM share AS one JOIN share AS other ON one.run_id <> other.run_id
), cell AS (
    SELECT DISTINCT labelled, called FROM share
)
SELECT first, second, cell.labelled, cell.called,
       coalesce(one.share, 0) - coalesce(other.share, 0) AS difference
FROM pair
CROSS JOIN cell
LEFT JOIN share AS one ON (one.run_id, one.labelled, one.called) = (first, cell.labelled, cell.called)
LEFT JOIN share AS other
    ON (other.run_id, other.labelled, other.called) = (second, cell.labelled, cell.called)
ORDER BY first, second, abs(coalesce(one.share, 0) - coalesce(other.share, 0)) DESC
