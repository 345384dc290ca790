DELETE FROM held_folder WHERE batch_id = :batch_id
