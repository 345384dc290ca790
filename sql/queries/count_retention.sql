UPDATE retention_run SET count_removed = count_removed + :count_removed WHERE id = :run_id
