-- A retry goes on with the cutoff that it began with. No row where the class is kept for ever.
WITH made AS (
    INSERT INTO retention_run (run_key, class, cutoff)
    SELECT :run_key, class, now() - make_interval(days => days)
    FROM retention_policy WHERE class = :class_ AND days IS NOT NULL
    ON CONFLICT (run_key, class) DO NOTHING
    RETURNING id, cutoff
)
SELECT id, cutoff FROM made
UNION ALL
SELECT id, cutoff FROM retention_run WHERE run_key = :run_key AND class = :class_
LIMIT 1
