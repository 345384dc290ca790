-- What one check found, alarms first; without a key what the latest check found.
SELECT
    health_check.check_key, batch.run_key AS batch, health_check.checked_at,
    health_reading.measure, health_reading.against, health_reading.status,
    health_reading.sentence, health_reading.value, health_reading.limit_value,
    health_reading.count_images, health_reading.is_new_alarm
FROM health_check
JOIN health_reading ON health_reading.check_id = health_check.id
LEFT JOIN batch ON batch.id = health_check.batch_id
WHERE health_check.id = (
    SELECT max(asked.id) FROM health_check AS asked
    WHERE cast(:check_key AS text) IS NULL OR asked.check_key = :check_key
)
ORDER BY health_reading.is_new_alarm DESC, health_reading.status = 'alarm' DESC,
    health_reading.measure, health_reading.against DESC
