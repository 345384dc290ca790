-- How many images lie in each quarter of the affect plane (pleasant or not, excited or calm)?
SELECT CASE WHEN valence >= 0 THEN 'pleasant' ELSE 'unpleasant' END AS valence,
       CASE WHEN arousal >= 0 THEN 'excited' ELSE 'calm' END AS arousal,
       count(*) AS count_images
FROM current_prediction
GROUP BY 1, 2
ORDER BY 1, 2;
