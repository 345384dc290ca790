SELECT id, source, model_version_id, is_closed FROM batch WHERE run_key = :run_key
