-- Of how many distinct images two runs had more samples right: what McNemar's test needs. Byte-identical
-- samples are one image; one of which both had as many right counts for neither run.
WITH content AS (
    SELECT run_id, image_sha256, count(*) FILTER (WHERE is_right) AS count_right
    FROM validation_answer WHERE run_id IN (:runs)
    GROUP BY run_id, image_sha256
)
SELECT
    one.run_id AS first, other.run_id AS second,
    count(*) FILTER (WHERE one.count_right = other.count_right AND one.count_right > 0) AS both,
    count(*) FILTER (WHERE one.count_right > other.count_right) AS only_first,
    count(*) FILTER (WHERE one.count_right < other.count_right) AS only_second,
    count(*) FILTER (WHERE one.count_right = other.count_right AND one.count_right = 0) AS neither
FROM content AS one
JOIN content AS other USING (image_sha256)
WHERE one.run_id <> other.run_id
GROUP BY one.run_id, other.run_id
ORDER BY one.run_id, other.run_id
