-- Every figure of these gates; first those that did not pass.
SELECT gate.id AS gate, rule.figure, rule.is_passed, rule.candidate_value, rule.champion_value,
       rule.low, rule.high, rule.p, rule.asked_for, rule.detail
FROM promotion_gate AS gate
CROSS JOIN LATERAL promotion_rule(gate) AS rule
WHERE gate.id = ANY(:ids)
ORDER BY gate.id DESC, rule.is_passed, rule.figure
