CREATE VIEW nightly_health AS
SELECT
    health_check.check_key           AS check_run,
    health_check.checked_at,
    batch.run_key                    AS batch,
    model_version.name               AS model,
    health_reading.measure,
    health_reading.against,
    health_reading.value,
    health_reading.low,
    health_reading.high,
    health_reading.limit_value,
    health_reading.count_images,
    health_reading.status,
    health_reading.status = 'alarm'  AS is_alarm,
    health_reading.is_new_alarm,
    health_reading.sentence
FROM health_check
JOIN health_reading ON health_reading.check_id = health_check.id
LEFT JOIN batch ON batch.id = health_check.batch_id
LEFT JOIN model_version ON model_version.id = health_check.model_version_id;

COMMENT ON VIEW nightly_health IS 'One row per look at the system and measure: drift, expected accuracy, refused share, freshness, backlog, each with its limit and a sentence.';
COMMENT ON COLUMN nightly_health.check_run IS 'The run that looked.';
COMMENT ON COLUMN nightly_health.checked_at IS 'When it looked.';
COMMENT ON COLUMN nightly_health.batch IS 'The newest closed night at that time; NULL before the first.';
COMMENT ON COLUMN nightly_health.model IS 'Network and version that scored that night.';
COMMENT ON COLUMN nightly_health.measure IS 'expected_accuracy: mean published confidence, which is calibrated; refused_share; freshness_hours: age of the newest prediction; backlog_hours: how long the oldest image has waited; and the four of the view drift.';
COMMENT ON COLUMN nightly_health.against IS 'What the value is compared with: validation, recent nights, or a fixed limit.';
COMMENT ON COLUMN nightly_health.value IS 'The figure; NULL when nothing could be said.';
COMMENT ON COLUMN nightly_health.low IS 'Lower end of its interval, where it has one.';
COMMENT ON COLUMN nightly_health.high IS 'Upper end of its interval, where it has one.';
COMMENT ON COLUMN nightly_health.limit_value IS 'Beyond it is an alarm; for expected_accuracy below it.';
COMMENT ON COLUMN nightly_health.count_images IS 'Images or files that the figure is about; for backlog_hours those that wait.';
COMMENT ON COLUMN nightly_health.status IS 'fine, alarm, too few (to say anything) or no reference (nothing to compare with).';
COMMENT ON COLUMN nightly_health.is_alarm IS 'True when the figure is beyond its limit.';
COMMENT ON COLUMN nightly_health.is_new_alarm IS 'True when the look before had not found it: such alarms are told to people.';
COMMENT ON COLUMN nightly_health.sentence IS 'The same in words.';
