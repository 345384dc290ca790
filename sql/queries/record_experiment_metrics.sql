INSERT INTO experiment_metric
    (group_key, network, metric, value, low, high, seed_spread, fold_spread, count_trainings)
VALUES
    (:group_key, :network, :metric, :value, :low, :high, :seed_spread, :fold_spread,
     :count_trainings)
ON CONFLICT (group_key, network, metric) DO UPDATE SET
    value = excluded.value, low = excluded.low, high = excluded.high,
    seed_spread = excluded.seed_spread, fold_spread = excluded.fold_spread,
    count_trainings = excluded.count_trainings
