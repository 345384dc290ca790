-- Validation scores of the model versions of a group, as one row per model and metric.
SELECT model_version.id AS model_version_id, model_version.name, run_metric.metric, run_metric.value
FROM model_version
JOIN training_run ON training_run.id = model_version.run_id
JOIN run_metric ON run_metric.run_id = training_run.id AND run_metric.kind = 'network'
WHERE training_run.group_key = :group_key
ORDER BY model_version.id, run_metric.metric
