-- Which expressions does the champion mix up most, on its held-out images?
SELECT labelled, called, count_images, round(share, 3) AS share_of_labelled
FROM confusion_matrix
WHERE labelled <> called
  AND model = (SELECT to_model FROM champion_history
               WHERE alias = 'champion' ORDER BY changed_at DESC LIMIT 1)
ORDER BY count_images DESC, labelled, called
LIMIT 10;
