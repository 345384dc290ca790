-- Where each network of a group stands: one row per run and finished epoch.
SELECT
    training_run.network, training_run.status, training_run.failure,
    cast(training_run.recipe ->> 'epochs' AS integer) AS epochs,
    epoch_metric.epoch,
    max(value) FILTER (WHERE split = 'validation' AND metric = 'accuracy') AS accuracy,
    max(value) FILTER (WHERE split = 'validation' AND metric = 'ccc_valence') AS ccc_valence,
    max(value) FILTER (WHERE split = 'validation' AND metric = 'ccc_arousal') AS ccc_arousal,
    max(value) FILTER (WHERE split = 'train' AND metric = 'loss') AS train_loss
FROM training_run
LEFT JOIN epoch_metric ON epoch_metric.run_id = training_run.id
WHERE training_run.group_key = :group_key
GROUP BY training_run.id, epoch_metric.epoch
ORDER BY training_run.started_at, training_run.network, epoch_metric.epoch
