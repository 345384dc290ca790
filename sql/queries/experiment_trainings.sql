-- The trainings of an experiment, in the order in which they were begun.
SELECT run_id, run AS run_key, network, seed, fold, status
FROM experiment_training
WHERE experiment = :group_key
ORDER BY seed, fold, run_id
