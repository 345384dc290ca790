SELECT model_version.id, model_version.folder
FROM model_version
WHERE model_version.run_id = ANY (:run_ids)
  AND NOT EXISTS (
      SELECT FROM model_cost WHERE model_cost.model_version_id = model_version.id)
ORDER BY model_version.id
