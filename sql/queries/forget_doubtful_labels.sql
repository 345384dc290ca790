DELETE FROM doubtful_label WHERE dataset_id = :dataset_id AND group_key = :group_key
