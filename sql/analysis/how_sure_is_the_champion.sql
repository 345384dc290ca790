-- How sure is the champion of what it predicts? Counts by tenths of confidence.
-- Confidence is calibrated: of a hundred images at 0.7 about seventy should be right.
SELECT from_confidence, sum(count_images) AS count_images
FROM scored_image_count
WHERE model = (SELECT to_model FROM champion_history
               WHERE alias = 'champion' ORDER BY changed_at DESC LIMIT 1)
GROUP BY 1
ORDER BY 1;
