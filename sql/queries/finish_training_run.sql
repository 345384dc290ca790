UPDATE training_run SET
    status = 'succeeded',
    failure = NULL,
    finished_at = now(),
    device = :device,
    versions = cast(:versions AS jsonb),
    git_revision = :git_revision,
    parameters = :parameters,
    kept_epoch = :kept_epoch,
    best_epoch = :best_epoch,
    images_per_second = :images_per_second,
    seconds = :seconds,
    weights_origin = :weights_origin,
    adjustments = cast(:adjustments AS jsonb)
WHERE id = :run_id
