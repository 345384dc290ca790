-- Which images would teach the networks most, if somebody labelled them?
-- The least sure of the champion's, those first about which another model says something else.
SELECT current_prediction.image_sha256, current_prediction.expression,
       current_prediction.confidence, count(model_disagreement.image_sha256) AS count_disagreements
FROM current_prediction
LEFT JOIN model_disagreement USING (image_sha256)
GROUP BY 1, 2, 3
ORDER BY count_disagreements DESC, confidence
LIMIT 50;
