UPDATE retention_run
SET count_held = :count_held, count_failed = :count_failed, finished_at = now()
WHERE id = :run_id
