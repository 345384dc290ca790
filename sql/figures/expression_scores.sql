-- Accuracy, macro F1, mean average precision and Cohen's kappa of each run.
WITH answer AS (
    SELECT * FROM validation_answer WHERE run_id IN (:runs)
), rated AS (
    SELECT answer.run_id, answer.labelled, answer.called, rating.expression, rating.p
    FROM answer
    CROSS JOIN LATERAL unnest(
        ARRAY['Neutral', 'Happy', 'Sad', 'Surprise', 'Fear', 'Disgust', 'Anger', 'Contempt'],
        ARRAY[p_neutral, p_happy, p_sad, p_surprise, p_fear, p_disgust, p_anger, p_contempt]
    ) AS rating (expression, p)
), ranked AS (
    SELECT *,
        -- Images of equal probability stand at one threshold together.
        sum((labelled = expression)::int) OVER above AS hits,
        count(*) OVER above AS everything
    FROM rated
    WINDOW above AS (PARTITION BY run_id, expression ORDER BY p DESC)
), class AS (
    SELECT
        run_id, expression,
        count(*) FILTER (WHERE labelled = expression)::float8 AS actual,
        count(*) FILTER (WHERE called = expression)::float8 AS called,
        count(*) FILTER (WHERE labelled = expression AND called = expression)::float8 AS hits,
        avg(hits::float8 / everything) FILTER (WHERE labelled = expression) AS average_precision
    FROM ranked GROUP BY run_id, expression
), run AS (
    SELECT
        run_id,
        sum(hits) / sum(actual) AS accuracy,
        sum(coalesce(2 * hits / nullif(actual + called, 0), 0)) / 8 AS macro_f1,
        avg(average_precision) AS mean_average_precision,
        sum(actual * called) / sum(actual) ^ 2 AS expected
    FROM class GROUP BY run_id
)
SELECT run_id, accuracy, macro_f1, mean_average_precision,
       coalesce((accuracy - expected) / nullif(1 - expected, 0), 0) AS cohen_kappa
FROM run ORDER BY run_id
