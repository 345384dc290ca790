-- A retry finds its own batch, with the model that was pinned the first time.
WITH made AS (
    INSERT INTO batch (run_key, source, model_version_id)
    VALUES (:run_key, :source, :model_version_id)
    ON CONFLICT (run_key) DO NOTHING
    RETURNING id, source, model_version_id, is_closed
)
SELECT id, source, model_version_id, is_closed FROM made
UNION ALL
SELECT id, source, model_version_id, is_closed FROM batch WHERE run_key = :run_key
LIMIT 1
