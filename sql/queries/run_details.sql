SELECT training_run.adjustments, calibration.temperature, calibration.ece_before,
       calibration.ece_after
FROM training_run
LEFT JOIN calibration ON calibration.run_id = training_run.id
WHERE training_run.id = :run_id
