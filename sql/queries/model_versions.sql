SELECT
    model_version.id, model_version.name, model_version.network, model_version.folder,
    encode(model_version.weights_sha256, 'hex') AS weights_sha256,
    training_run.run_key, training_run.group_key, model_version.registered_at,
    coalesce(array_agg(model_alias.alias ORDER BY model_alias.alias)
             FILTER (WHERE model_alias.alias IS NOT NULL), '{}') AS aliases
FROM model_version
JOIN training_run ON training_run.id = model_version.run_id
LEFT JOIN model_alias ON model_alias.model_version_id = model_version.id
WHERE (cast(:id AS bigint) IS NULL OR model_version.id = :id)
  AND (cast(:name AS text) IS NULL OR model_version.name = :name)
  AND (cast(:alias AS text) IS NULL OR model_alias.alias = :alias)
  AND (cast(:group_key AS text) IS NULL OR training_run.group_key = :group_key)
GROUP BY model_version.id, training_run.run_key, training_run.group_key
ORDER BY model_version.registered_at DESC, model_version.id DESC
