SELECT
    batch AS run_key, source, model, is_closed, opened_at, closed_at, count_found, count_done,
    count_rejected, count_quarantined, count_left, count_ignored, count_unsettled, count_held
FROM batch_summary
WHERE cast(:run_key AS text) IS NULL OR batch = :run_key
ORDER BY opened_at DESC
LIMIT :limit
