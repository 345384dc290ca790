-- Every figure of the newest gates that let nobody through.
SELECT
    gate.id AS gate_id, told.checked_at, told.candidate, told.champion, told.asked_by, told.figure,
    told.is_passed, told.candidate_value, told.champion_value, told.low, told.high, told.p,
    told.asked_for
FROM (
    SELECT id, checked_at, model_version_id FROM promotion_gate
    WHERE NOT is_passed
    ORDER BY id DESC
    LIMIT :limit
) AS gate
JOIN model_version ON model_version.id = gate.model_version_id
JOIN promotion_check AS told
    ON told.candidate = model_version.name AND told.checked_at = gate.checked_at
ORDER BY gate.id DESC, told.is_passed, told.figure
