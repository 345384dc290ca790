-- On how many images two runs gave the true label, together and alone: what McNemar's test needs.
WITH answer AS (
    SELECT run_id, image_sha256, labelled, valence, arousal, is_right,
           -- Byte-identical samples are told apart by their labels, then counted off.
           row_number() OVER (
               PARTITION BY run_id, image_sha256, labelled, valence, arousal) AS copy
    FROM validation_answer WHERE run_id IN (:runs)
)
SELECT
    one.run_id AS first, other.run_id AS second,
    count(*) FILTER (WHERE one.is_right AND other.is_right) AS both,
    count(*) FILTER (WHERE one.is_right AND NOT other.is_right) AS only_first,
    count(*) FILTER (WHERE NOT one.is_right AND other.is_right) AS only_second,
    count(*) FILTER (WHERE NOT one.is_right AND NOT other.is_right) AS neither
FROM answer AS one
JOIN answer AS other USING (image_sha256, labelled, valence, arousal, copy)
WHERE one.run_id <> other.run_id
GROUP BY one.run_id, other.run_id
ORDER BY one.run_id, other.run_id
