-- The farthest predictions of each run in the plane of valence and arousal.
WITH far AS (
    SELECT p.run_id, p.sample_id, label.valence, label.arousal,
           p.valence AS said_valence, p.arousal AS said_arousal,
           sqrt((p.valence::float8 - label.valence::float8) ^ 2
                + (p.arousal::float8 - label.arousal::float8) ^ 2) AS distance
    FROM validation_prediction AS p
    JOIN training_run ON training_run.id = p.run_id
    JOIN split ON split.id = training_run.split_id
    JOIN label ON label.dataset_id = split.dataset_id AND label.sample_id = p.sample_id
    WHERE p.run_id IN (:runs)
), ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY run_id ORDER BY distance DESC, sample_id COLLATE "C") AS place
    FROM far
)
SELECT run_id, sample_id, valence, arousal, said_valence, said_arousal, distance
FROM ranked WHERE place <= 10
ORDER BY run_id, place
