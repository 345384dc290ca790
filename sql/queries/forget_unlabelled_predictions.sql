-- A sample that was erased while its model was trained has no label any more.
DELETE FROM validation_prediction
USING training_run, split
WHERE validation_prediction.run_id = :run_id
  AND training_run.id = validation_prediction.run_id
  AND split.id = training_run.split_id
  AND NOT EXISTS (
      SELECT FROM label
      WHERE label.dataset_id = split.dataset_id
        AND label.sample_id = validation_prediction.sample_id
  )
