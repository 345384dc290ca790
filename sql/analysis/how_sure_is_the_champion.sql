-- How sure is the champion of what it says? Counts by tenths of confidence.
-- Confidence is calibrated: of a hundred images at 0.7 about seventy should be right.
SELECT width_bucket(confidence, 0, 1, 10) / 10.0 - 0.1 AS from_confidence,
       count(*) AS count_images
FROM current_prediction
GROUP BY 1
ORDER BY 1;
