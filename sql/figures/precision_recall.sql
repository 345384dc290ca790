-- Precision and recall of each expression at every threshold; the picture shows sixty of them.
WITH rated AS (
    SELECT answer.run_id, answer.labelled, rating.expression, rating.p
    FROM validation_answer AS answer
    CROSS JOIN LATERAL unnest(
        ARRAY['Neutral', 'Happy', 'Sad', 'Surprise', 'Fear', 'Disgust', 'Anger', 'Contempt'],
        ARRAY[p_neutral, p_happy, p_sad, p_surprise, p_fear, p_disgust, p_anger, p_contempt]
    ) AS rating (expression, p)
    WHERE answer.run_id IN (:runs)
), threshold AS (
    SELECT run_id, expression, p,
           sum(sum((labelled = expression)::int)) OVER above AS hits,
           sum(count(*)) OVER above AS everything,
           sum(sum((labelled = expression)::int)) OVER (PARTITION BY run_id, expression) AS actual
    FROM rated
    GROUP BY run_id, expression, p
    WINDOW above AS (PARTITION BY run_id, expression ORDER BY p DESC)
)
SELECT run_id, expression, p AS threshold,
       hits::float8 / actual::float8 AS recall, hits::float8 / everything::float8 AS precision
FROM threshold WHERE actual > 0
ORDER BY run_id, expression, p DESC
