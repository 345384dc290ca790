-- Written again it is replaced: a run that is registered twice has one calibration.
INSERT INTO calibration (run_id, temperature, ece_before, ece_after, count_images)
VALUES (:run_id, :temperature, :ece_before, :ece_after, :count_images)
ON CONFLICT (run_id) DO UPDATE SET
    temperature = excluded.temperature,
    ece_before = excluded.ece_before,
    ece_after = excluded.ece_after,
    count_images = excluded.count_images
