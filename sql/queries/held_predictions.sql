SELECT count(*) FROM prediction
WHERE prediction.scored_at < :cutoff
  AND EXISTS (SELECT FROM legal_hold WHERE lifted_at IS NULL)
  AND standing_hold(prediction.image_id) IS NOT NULL
