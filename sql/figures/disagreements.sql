-- Images with different predictions, those of which every run is most confident first.
WITH answer AS (
    SELECT p.run_id, p.sample_id, called.expression_id, called.confidence
    FROM validation_prediction AS p
    CROSS JOIN LATERAL (
        SELECT ordinality - 1 AS expression_id, rating AS confidence
        FROM unnest(ARRAY[p.p_neutral, p.p_happy, p.p_sad, p.p_surprise, p.p_fear, p.p_disgust,
                          p.p_anger, p.p_contempt]) WITH ORDINALITY AS of_all (rating, ordinality)
        ORDER BY rating DESC, ordinality LIMIT 1
    ) AS called
    WHERE p.run_id IN (:runs)
), differing AS (
    SELECT sample_id, min(confidence) AS least_confidence
    FROM answer GROUP BY sample_id
    HAVING min(expression_id) <> max(expression_id)
    ORDER BY least_confidence DESC, sample_id COLLATE "C" LIMIT 10
)
SELECT sample_id, run_id, expression.name AS called, confidence, least_confidence
FROM differing
JOIN answer USING (sample_id)
JOIN expression ON expression.id = answer.expression_id
ORDER BY least_confidence DESC, sample_id COLLATE "C", run_id
