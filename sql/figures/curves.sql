-- The learning curves; is_kept marks the epoch whose weights were kept.
SELECT run_id, split, metric, epoch, value, is_kept
FROM training_curve
WHERE run_id IN (:runs)
ORDER BY metric, run_id, split, epoch
