-- For operators: the source by the last part of its path, where analysts see a number.
SELECT
    told.batch AS run_key, regexp_replace(rtrim(batch.source, '/'), '^.*/', '') AS source,
    told.model, told.is_closed, told.opened_at, told.closed_at, told.count_found, told.count_done,
    told.count_rejected, told.count_quarantined, told.count_left, told.count_ignored,
    told.count_unsettled, told.count_held
FROM batch_summary AS told
JOIN batch ON batch.run_key = told.batch
WHERE cast(:run_key AS text) IS NULL OR told.batch = :run_key
ORDER BY told.opened_at DESC
LIMIT :limit
