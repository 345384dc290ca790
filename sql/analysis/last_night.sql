-- How did last night go, in one row?
SELECT batch, model, is_closed, count_found, count_done, count_rejected, count_quarantined, count_left
FROM batch_summary
ORDER BY opened_at DESC
LIMIT 1;
