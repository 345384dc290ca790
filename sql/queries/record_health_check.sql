-- A check that is repeated under its key keeps its row.
INSERT INTO health_check (check_key, source, batch_id, model_version_id)
VALUES (:check_key, :source, :batch_id, :model_version_id)
ON CONFLICT (check_key) DO UPDATE
    SET batch_id = excluded.batch_id, model_version_id = excluded.model_version_id
RETURNING id
