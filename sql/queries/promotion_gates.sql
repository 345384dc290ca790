SELECT
    gate.id, candidate.name AS candidate, champion.name AS champion,
    gate.model_version_id, gate.champion_id, gate.golden, gate.attempt, gate.better_below,
    gate.minimum_images, gate.count_images, gate.only_candidate, gate.only_champion,
    gate.accuracy_p, gate.ccc_p, gate.asked_by, gate.checked_at, gate.is_passed,
    EXISTS (SELECT FROM model_alias_change WHERE gate_id = gate.id) AS is_used,
    -- First the figures that did not pass.
    (
        SELECT jsonb_agg(to_jsonb(rule) ORDER BY rule.is_passed, rule.figure)
        FROM promotion_rule(gate) AS rule
    ) AS figures
FROM promotion_gate AS gate
JOIN model_version AS candidate ON candidate.id = gate.model_version_id
LEFT JOIN model_version AS champion ON champion.id = gate.champion_id
WHERE gate.id = ANY(:ids)
ORDER BY gate.id DESC
