SELECT dataset.location
FROM training_run
JOIN split ON split.id = training_run.split_id
JOIN dataset ON dataset.id = split.dataset_id
WHERE training_run.id = :run_id
