CREATE VIEW promotion_check AS
SELECT
    gate.id        AS gate,
    gate.checked_at,
    candidate.name AS candidate,
    champion.name  AS champion,
    fact.figure,
    fact.is_passed,
    fact.candidate_value,
    fact.champion_value,
    fact.low,
    fact.high,
    fact.p,
    fact.asked_for,
    gate.attempt,
    gate.is_passed AS is_whole_gate_passed,
    gate.asked_by
FROM promotion_gate AS gate
JOIN model_version AS candidate ON candidate.id = gate.model_version_id
LEFT JOIN model_version AS champion ON champion.id = gate.champion_id
CROSS JOIN LATERAL promotion_rule(gate) AS fact;

COMMENT ON VIEW promotion_check IS 'One row per gate and figure: what was measured of a candidate and its champion, what is required, whether it passed.';
COMMENT ON COLUMN promotion_check.gate IS 'Number of the check.';
COMMENT ON COLUMN promotion_check.checked_at IS 'When the model was checked.';
COMMENT ON COLUMN promotion_check.candidate IS 'Network and version that was to become champion.';
COMMENT ON COLUMN promotion_check.champion IS 'Champion at that moment; NULL when there was none, and then nothing is compared.';
COMMENT ON COLUMN promotion_check.figure IS 'What was checked.';
COMMENT ON COLUMN promotion_check.is_passed IS 'Whether this figure speaks for the candidate, or at least not against it.';
COMMENT ON COLUMN promotion_check.candidate_value IS 'The candidate''s figure on the images that both models held out; for images their number, for calibration its error.';
COMMENT ON COLUMN promotion_check.champion_value IS 'The champion''s figure on the same images.';
COMMENT ON COLUMN promotion_check.low IS 'Lower end of the 95 % interval of candidate minus champion.';
COMMENT ON COLUMN promotion_check.high IS 'Upper end of the 95 % interval of candidate minus champion.';
COMMENT ON COLUMN promotion_check.p IS 'How often at least such a difference would come up if the models were equal: McNemar''s exact test over distinct images for accuracy, paired jackknife for CCC.';
COMMENT ON COLUMN promotion_check.asked_for IS 'What is required of the figure.';
COMMENT ON COLUMN promotion_check.attempt IS 'The place of the candidate among those compared with this champion, from 1: the later, the smaller the p that is required. NULL for checks of before this was counted.';
COMMENT ON COLUMN promotion_check.is_whole_gate_passed IS 'Whether every figure of this check passed.';
COMMENT ON COLUMN promotion_check.asked_by IS 'Who had the model checked.';
