SELECT run_key, class AS class_, cutoff, count_removed, count_held, count_failed, started_at, finished_at
FROM retention_run
WHERE cast(:run_key AS text) IS NULL OR run_key = :run_key
ORDER BY id DESC
LIMIT :limit
