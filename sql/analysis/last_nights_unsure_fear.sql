-- Which images did last night's model call Fear with a confidence under 0.5?
-- Nothing there means that it was sure of each, or saw none.
SELECT image_sha256, confidence, valence, arousal
FROM scored_image_by_batch
WHERE batch = (SELECT batch FROM batch_summary ORDER BY opened_at DESC LIMIT 1)
  AND expression = 'Fear' AND confidence < 0.5
ORDER BY confidence;
