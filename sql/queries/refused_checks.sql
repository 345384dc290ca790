-- Every figure of the newest gates that let nobody through.
SELECT
    told.gate AS gate_id, told.checked_at, told.candidate, told.champion, told.asked_by,
    told.figure, told.is_passed, told.candidate_value, told.champion_value, told.low, told.high,
    told.p, told.asked_for
FROM promotion_check AS told
WHERE told.gate IN (
    SELECT id FROM promotion_gate
    WHERE NOT is_passed
    ORDER BY id DESC
    LIMIT :limit
)
ORDER BY told.gate DESC, told.is_passed, told.figure
