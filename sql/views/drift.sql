CREATE VIEW drift AS
SELECT DISTINCT ON (batch.id, health_reading.measure, health_reading.against)
    batch.run_key                    AS batch,
    batch.closed_at                  AS night,
    model_version.name               AS model,
    health_reading.measure,
    health_reading.against,
    health_reading.value,
    health_reading.limit_value,
    health_reading.p_value,
    health_reading.count_images,
    health_reading.count_reference,
    health_reading.status,
    health_reading.status = 'alarm'  AS is_alarm,
    health_reading.sentence,
    health_check.checked_at
FROM health_check
JOIN health_reading ON health_reading.check_id = health_check.id
JOIN batch ON batch.id = health_check.batch_id
JOIN model_version ON model_version.id = health_check.model_version_id
WHERE health_reading.measure IN ('psi_expression', 'js_expression', 'ks_valence', 'ks_arousal')
ORDER BY batch.id, health_reading.measure, health_reading.against, health_check.id DESC;

COMMENT ON VIEW drift IS 'One row per night, measure and reference: whether that night''s scores are distributed as the model''s validation images or as the nights before. The latest check counts.';
COMMENT ON COLUMN drift.batch IS 'The scoring run of that night.';
COMMENT ON COLUMN drift.night IS 'When that run was closed.';
COMMENT ON COLUMN drift.model IS 'Network and version that scored it.';
COMMENT ON COLUMN drift.measure IS 'psi_expression: population stability index of the expression mix; js_expression: Jensen–Shannon distance of the same; ks_valence, ks_arousal: Kolmogorov–Smirnov distance.';
COMMENT ON COLUMN drift.against IS 'validation: the model''s validation images; recent nights: the nights before, of the same source by the same model.';
COMMENT ON COLUMN drift.value IS 'The distance, from 0; NULL when there were too few images.';
COMMENT ON COLUMN drift.limit_value IS 'Beyond it the difference is neither chance (1 in 1,000) nor a trifle; larger for smaller nights.';
COMMENT ON COLUMN drift.p_value IS 'How often equal distributions differ at least as much, 0 to 1.';
COMMENT ON COLUMN drift.count_images IS 'Images of the night that were compared; 100,000 at most.';
COMMENT ON COLUMN drift.count_reference IS 'Images they were compared with; 100,000 at most.';
COMMENT ON COLUMN drift.status IS 'fine, alarm, too few (images to say anything) or no reference (nothing to compare with).';
COMMENT ON COLUMN drift.is_alarm IS 'True when the value is beyond its limit.';
COMMENT ON COLUMN drift.sentence IS 'The same in words.';
COMMENT ON COLUMN drift.checked_at IS 'When it was measured.';
