-- Where do the two heads contradict each other? Happy that is unpleasant, or Sad, Fear, Disgust and Anger
-- that are clearly pleasant: one of the heads is wrong. The hundred widest.
SELECT image_sha256, expression, confidence, valence
FROM current_prediction
WHERE (expression = 'Happy' AND valence < -0.2)
   OR (expression IN ('Sad', 'Fear', 'Disgust', 'Anger') AND valence > 0.2)
ORDER BY abs(valence) DESC
LIMIT 100;
