-- Every figure of these gates; first those that did not pass.
SELECT gate, figure, is_passed, candidate_value, champion_value, low, high, p, asked_for, detail
FROM promotion_check
WHERE gate = ANY(:ids)
ORDER BY gate DESC, is_passed, figure
