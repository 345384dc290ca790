-- The newest model versions with what they were trained on and which aliases they hold.
SELECT
    model_version.name, model_version.network, training_run.preset, training_run.group_key,
    dataset.name AS dataset, encode(dataset.fingerprint, 'hex') AS dataset_fingerprint,
    encode(split.fingerprint, 'hex') AS split_fingerprint, dataset.is_drawn,
    model_version.registered_at,
    EXISTS (SELECT FROM report WHERE report.group_key = training_run.group_key) AS has_report,
    coalesce(
        (SELECT array_agg(model_alias.alias ORDER BY model_alias.alias)
         FROM model_alias WHERE model_alias.model_version_id = model_version.id),
        '{}'
    ) AS aliases
FROM model_version
JOIN training_run ON training_run.id = model_version.run_id
JOIN split ON split.id = training_run.split_id
JOIN dataset ON dataset.id = split.dataset_id
ORDER BY model_version.registered_at DESC, model_version.id DESC
LIMIT :limit
