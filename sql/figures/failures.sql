-- Confident errors of each run. Ids of samples may be file names: analysts have no right to them.
WITH answer AS (
    SELECT p.run_id, p.sample_id, label.expression_id, called.expression_id AS called_id,
           called.confidence,
           (ARRAY[p.p_neutral, p.p_happy, p.p_sad, p.p_surprise, p.p_fear, p.p_disgust,
                  p.p_anger, p.p_contempt])[label.expression_id + 1] AS p_truth
    FROM validation_prediction AS p
    JOIN training_run ON training_run.id = p.run_id
    JOIN split ON split.id = training_run.split_id
    JOIN label ON label.dataset_id = split.dataset_id AND label.sample_id = p.sample_id
    CROSS JOIN LATERAL (
        SELECT ordinality - 1 AS expression_id, rating AS confidence
        FROM unnest(ARRAY[p.p_neutral, p.p_happy, p.p_sad, p.p_surprise, p.p_fear, p.p_disgust,
                          p.p_anger, p.p_contempt]) WITH ORDINALITY AS of_all (rating, ordinality)
        ORDER BY rating DESC, ordinality LIMIT 1
    ) AS called
    WHERE p.run_id IN (:runs)
), ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY run_id ORDER BY confidence DESC, sample_id COLLATE "C") AS place
    FROM answer WHERE called_id <> expression_id
)
SELECT run_id, sample_id, truth.name AS labelled, called.name AS called, confidence, p_truth
FROM ranked
JOIN expression AS truth ON truth.id = expression_id
JOIN expression AS called ON called.id = called_id
WHERE place <= 10
ORDER BY run_id, place
