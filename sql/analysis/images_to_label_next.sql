-- Which images would teach the networks most, if somebody labelled them?
-- The least sure of the champion's, those first about which another model says something else.
WITH champion AS (
    SELECT to_model AS name FROM champion_history
    WHERE alias = 'champion' ORDER BY changed_at DESC LIMIT 1
), disputed AS (
    SELECT image_sha256, count(*) AS count_disagreements,
           CASE WHEN model = name THEN expression ELSE other_expression END AS expression,
           CASE WHEN model = name THEN confidence ELSE other_confidence END AS confidence
    FROM model_disagreement JOIN champion ON name IN (model, other_model)
    GROUP BY 1, 3, 4
), unsure AS (
    -- Twice as many as are asked for: some may be disputed too.
    SELECT image_sha256, expression, confidence FROM current_prediction
    ORDER BY confidence LIMIT 100
)
SELECT image_sha256, expression, confidence, count_disagreements FROM disputed
UNION ALL
SELECT image_sha256, expression, confidence, 0 FROM unsure
WHERE image_sha256 NOT IN (SELECT image_sha256 FROM disputed)
ORDER BY count_disagreements DESC, confidence
LIMIT 50;
