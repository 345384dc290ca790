SELECT network, metric, value, low, high, seed_spread, fold_spread, count_trainings
FROM experiment_metric
WHERE group_key = :group_key
