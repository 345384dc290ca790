-- The newest closed batch of a source by the champion, with what its model reached when validated.
SELECT
    batch.id, batch.run_key, batch.model_version_id, model_version.name AS model,
    model_version.run_id, batch.count_found,
    batch.count_rejected + batch.count_quarantined AS count_refused,
    calibration.ece_after,
    accuracy.value AS accuracy, coalesce(accuracy.low, accuracy.value) AS accuracy_low
FROM batch
JOIN model_alias
    ON model_alias.model_version_id = batch.model_version_id AND model_alias.alias = 'champion'
JOIN model_version ON model_version.id = batch.model_version_id
LEFT JOIN calibration ON calibration.run_id = model_version.run_id
LEFT JOIN run_metric AS accuracy
    ON accuracy.run_id = model_version.run_id
   AND accuracy.kind = 'network' AND accuracy.metric = 'accuracy'
WHERE batch.source = :source AND batch.is_closed
ORDER BY batch.closed_at DESC, batch.id DESC
LIMIT 1
