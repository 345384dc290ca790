DELETE FROM validation_prediction WHERE run_id = :run_id
