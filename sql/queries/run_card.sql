SELECT card FROM model_version WHERE run_id = :run_id
