-- The newest gates that refused their candidate, each with its figures, those that fell short first.
SELECT
    told.candidate, told.champion, told.asked_by, told.checked_at,
    jsonb_agg(
        jsonb_build_object(
            'figure', told.figure, 'is_passed', told.is_passed,
            'candidate_value', told.candidate_value, 'champion_value', told.champion_value,
            'low', told.low, 'high', told.high, 'p', told.p, 'asked_for', told.asked_for
        )
        ORDER BY told.is_passed, told.figure
    ) AS figures
FROM promotion_check AS told
WHERE told.gate IN (
    SELECT id FROM promotion_gate
    WHERE NOT is_passed
    ORDER BY id DESC
    LIMIT :limit
)
GROUP BY told.gate, told.candidate, told.champion, told.asked_by, told.checked_at
ORDER BY told.gate DESC
