UPDATE training_run SET
    status = 'succeeded',
    failure = NULL,
    finished_at = now(),
    device = :device,
    versions = :versions,
    git_revision = :git_revision,
    parameters = :parameters,
    kept_epoch = :kept_epoch,
    best_epoch = :best_epoch,
    images_per_second = :images_per_second,
    seconds = :seconds,
    weights_origin = :weights_origin,
    adjustments = to_jsonb(cast(:adjustments AS text[]))
WHERE id = :run_id
