-- How many images lie in each quarter of the affect plane (pleasant or not, excited or calm)?
SELECT CASE WHEN is_pleasant THEN 'pleasant' ELSE 'unpleasant' END AS valence,
       CASE WHEN is_excited THEN 'excited' ELSE 'calm' END AS arousal,
       sum(count_images) AS count_images
FROM scored_image_count
WHERE model = (SELECT to_model FROM champion_history
               WHERE alias = 'champion' ORDER BY changed_at DESC LIMIT 1)
GROUP BY 1, 2
ORDER BY 1, 2;
