SELECT temperature, ece_before, ece_after, count_images FROM calibration WHERE run_id = :run_id
