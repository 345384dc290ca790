-- Runs with what they were trained on; by group, by key, or all (newest first).
SELECT
    training_run.id, training_run.run_key, training_run.group_key, training_run.network,
    training_run.preset, training_run.recipe, training_run.weights_origin, training_run.device,
    training_run.versions, dataset.name AS dataset_name,
    encode(dataset.fingerprint, 'hex') AS dataset_fingerprint,
    dataset.is_drawn AS dataset_is_drawn, training_run.label_warnings,
    split.seed AS split_seed, split.validation_share,
    coalesce(members.train, 0) AS count_train,
    coalesce(members.validation, 0) AS count_validation,
    training_run.git_revision, training_run.status, training_run.failure,
    training_run.started_at, training_run.finished_at, training_run.seconds,
    training_run.images_per_second, training_run.kept_epoch, training_run.best_epoch,
    training_run.parameters, training_run.note, model_version.name AS model_name,
    coalesce(aliases.names, '{}') AS aliases, training_run.adjustments
FROM training_run
JOIN split ON split.id = training_run.split_id
JOIN dataset ON dataset.id = split.dataset_id
LEFT JOIN model_version ON model_version.run_id = training_run.id
LEFT JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE split_member.split = 'train') AS train,
        count(*) FILTER (WHERE split_member.split = 'validation') AS validation
    FROM split_member
    JOIN label ON label.image_id = split_member.image_id AND label.dataset_id = split.dataset_id
    WHERE split_member.split_id = split.id
) AS members ON true
LEFT JOIN LATERAL (
    SELECT array_agg(alias ORDER BY alias) AS names
    FROM model_alias WHERE model_alias.model_version_id = model_version.id
) AS aliases ON true
WHERE (cast(:group_key AS text) IS NULL OR training_run.group_key = :group_key)
  AND (cast(:run_key AS text) IS NULL OR training_run.run_key = :run_key)
ORDER BY training_run.started_at DESC, training_run.network
LIMIT :limit
