-- A retry finds its own row again and is running once more; a finished success stays as it is.
INSERT INTO training_run
    (run_key, group_key, network, preset, recipe, split_id, note, weights_origin, folder,
     label_warnings)
VALUES
    (:run_key, :group_key, :network, :preset, :recipe, :split_id, :note,
     :weights_origin, :folder, :label_warnings)
ON CONFLICT (run_key) DO UPDATE SET
    label_warnings = excluded.label_warnings,
    status = CASE WHEN training_run.status = 'succeeded' THEN 'succeeded' ELSE 'running' END,
    failure = NULL,
    finished_at = CASE WHEN training_run.status = 'succeeded' THEN training_run.finished_at END
RETURNING id
