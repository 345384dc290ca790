SELECT experiment, dataset, networks, preset, folds, repeats, count_trainings, count_succeeded,
       count_failed, count_running, seconds, opened_at
FROM experiment_summary
ORDER BY opened_at DESC
LIMIT :limit
