-- Precision, recall, F1 and average precision of each expression.
WITH rated AS (
    SELECT answer.run_id, answer.labelled, answer.called, rating.expression, rating.p
    FROM validation_answer AS answer
    CROSS JOIN LATERAL unnest(
        ARRAY['Neutral', 'Happy', 'Sad', 'Surprise', 'Fear', 'Disgust', 'Anger', 'Contempt'],
        ARRAY[p_neutral, p_happy, p_sad, p_surprise, p_fear, p_disgust, p_anger, p_contempt]
    ) AS rating (expression, p)
    WHERE answer.run_id IN (:runs)
), ranked AS (
    SELECT *,
        sum((labelled = expression)::int) OVER above AS hits,
        count(*) OVER above AS everything
    FROM rated
    WINDOW above AS (PARTITION BY run_id, expression ORDER BY p DESC)
), class AS (
    SELECT
        run_id, expression,
        count(*) FILTER (WHERE labelled = expression)::float8 AS images,
        count(*) FILTER (WHERE called = expression)::float8 AS called,
        count(*) FILTER (WHERE labelled = expression AND called = expression)::float8 AS hits,
        avg(hits::float8 / everything) FILTER (WHERE labelled = expression) AS average_precision
    FROM ranked GROUP BY run_id, expression
)
SELECT run_id, expression, images::int AS images,
       coalesce(hits / nullif(called, 0), 0) AS precision,
       coalesce(hits / nullif(images, 0), 0) AS recall,
       coalesce(2 * hits / nullif(images + called, 0), 0) AS f1,
       average_precision
FROM class ORDER BY run_id, f1 DESC
