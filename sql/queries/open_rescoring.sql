-- A retry finds its own row, with the model that it began with.
WITH made AS (
    INSERT INTO rescoring (run_key, model_version_id)
    VALUES (:run_key, :model_version_id)
    ON CONFLICT (run_key) DO NOTHING
    RETURNING id, run_key, model_version_id, last_image_id, count_seen, count_planned, closed_at
)
SELECT id, run_key, model_version_id, last_image_id, count_seen, count_planned,
       closed_at IS NOT NULL AS is_closed, 0 AS count_missing
FROM made
UNION ALL
SELECT id, run_key, model_version_id, last_image_id, count_seen, count_planned,
       closed_at IS NOT NULL,
       (SELECT count(*) FROM rescoring_missing WHERE rescoring_id = rescoring.id)
FROM rescoring WHERE run_key = :run_key
LIMIT 1
