-- What one check found, alarms first; without a key what the newest found.
SELECT
    health_check.check_key, batch.run_key AS batch, health_check.checked_at,
    health_measurement.measure, health_measurement.against, health_measurement.status,
    health_measurement.sentence, health_measurement.value, health_measurement.limit_value,
    health_measurement.count_images, health_measurement.is_new_alarm
FROM health_check
JOIN health_measurement ON health_measurement.check_id = health_check.id
LEFT JOIN batch ON batch.id = health_check.batch_id
WHERE health_check.id = (
    SELECT max(asked.id) FROM health_check AS asked
    WHERE cast(:check_key AS text) IS NULL OR asked.check_key = :check_key
)
ORDER BY health_measurement.is_new_alarm DESC, health_measurement.status = 'alarm' DESC,
    health_measurement.measure, health_measurement.against DESC
