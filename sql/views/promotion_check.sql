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
CROSS JOIN LATERAL (
    VALUES
        ('golden outputs', gate.golden = 'passed', NULL::double precision,
         NULL::double precision, NULL::double precision, NULL::double precision,
         NULL::double precision, 'the golden outputs come back'),
        ('calibration', gate.calibration_error IS NOT NULL, gate.calibration_error,
         NULL, NULL, NULL, NULL, 'an error after calibration is recorded'),
        ('not collapsed', gate.collapse IS NULL, NULL, NULL, NULL, NULL, NULL,
         'answers better than chance, or answers that vary'),
        ('images', gate.champion_id IS NULL OR gate.count_images >= gate.minimum_images,
         gate.count_images, NULL, NULL, NULL, NULL,
         format('at least %s held out by both', gate.minimum_images)),
        ('accuracy', NOT coalesce(gate.accuracy_p < gate.alpha
                                  AND gate.only_candidate < gate.only_champion, false),
         gate.accuracy_candidate, gate.accuracy_champion, gate.accuracy_low, gate.accuracy_high,
         gate.accuracy_p, format('not worse with p below %s', gate.alpha)),
        ('mean CCC', NOT coalesce(gate.ccc_p < gate.alpha
                                  AND gate.ccc_candidate < gate.ccc_champion, false),
         gate.ccc_candidate, gate.ccc_champion, gate.ccc_low, gate.ccc_high, gate.ccc_p,
         format('not worse with p below %s', gate.alpha)),
        ('better in accuracy or mean CCC', gate.champion_id IS NULL OR coalesce(
            gate.accuracy_p < gate.better_below AND gate.only_candidate > gate.only_champion
            OR gate.ccc_p < gate.better_below AND gate.ccc_candidate > gate.ccc_champion, false),
         NULL, NULL, NULL, NULL, least(gate.accuracy_p, gate.ccc_p),
         format('p below %s in one of them',
                -- Three digits of it, however small.
                trim_scale(round(gate.better_below::numeric,
                                 2 - floor(log(gate.better_below::numeric))::integer)))
         || coalesce(format(': %s / (%s × %s), candidate %s against this champion', gate.alpha,
                            gate.attempt, gate.attempt + 1, gate.attempt), ''))
) AS fact (figure, is_passed, candidate_value, champion_value, low, high, p, asked_for);

COMMENT ON VIEW promotion_check IS 'One row per time that a model was held against the champion and figure: what was measured, what is asked for, whether it passed.';
COMMENT ON COLUMN promotion_check.gate IS 'Number of the check.';
COMMENT ON COLUMN promotion_check.checked_at IS 'When the model was checked.';
COMMENT ON COLUMN promotion_check.candidate IS 'Network and version that was to become champion.';
COMMENT ON COLUMN promotion_check.champion IS 'Champion at that moment; NULL when there was none, and then nothing is compared.';
COMMENT ON COLUMN promotion_check.figure IS 'What was looked at.';
COMMENT ON COLUMN promotion_check.is_passed IS 'Whether this figure speaks for the candidate, or at least not against it.';
COMMENT ON COLUMN promotion_check.candidate_value IS 'The candidate''s figure on the images that both models held out; for images their number, for calibration its error.';
COMMENT ON COLUMN promotion_check.champion_value IS 'The champion''s figure on the same images.';
COMMENT ON COLUMN promotion_check.low IS 'Lower end of the 95 % interval of candidate minus champion.';
COMMENT ON COLUMN promotion_check.high IS 'Upper end of the 95 % interval of candidate minus champion.';
COMMENT ON COLUMN promotion_check.p IS 'How often at least such a difference would come up if the models were equal: McNemar''s exact test over distinct images for accuracy, paired jackknife for CCC.';
COMMENT ON COLUMN promotion_check.asked_for IS 'What the figure was held against.';
COMMENT ON COLUMN promotion_check.attempt IS 'The place of the candidate among those compared with this champion, from 1: the later, the smaller the p that is asked for. NULL for checks of before this was counted.';
COMMENT ON COLUMN promotion_check.is_whole_gate_passed IS 'Whether every figure of this check passed.';
COMMENT ON COLUMN promotion_check.asked_by IS 'Who had the model checked.';
