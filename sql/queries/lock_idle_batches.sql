-- Open batches whose run is not at work.
WITH open_batch AS MATERIALIZED (
    SELECT id, run_key FROM batch WHERE NOT is_closed
    ORDER BY id
    FOR NO KEY UPDATE SKIP LOCKED
)
SELECT id FROM open_batch
WHERE pg_try_advisory_xact_lock(hashtextextended(run_key, 7203114903))
