UPDATE training_run
SET status = 'failed', failure = :failure, finished_at = now()
WHERE id = :run_id AND status <> 'succeeded'
