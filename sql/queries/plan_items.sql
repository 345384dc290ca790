-- One item per content and model, for every file of a batch; content that is known stays as it is.
INSERT INTO scoring_item (image_id, model_version_id)
SELECT DISTINCT inbox_file.image_id, batch.model_version_id
FROM inbox_file
JOIN batch ON batch.id = inbox_file.batch_id
WHERE batch.id = :batch_id AND inbox_file.image_id IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM scoring_item AS known
      WHERE known.image_id = inbox_file.image_id
        AND known.model_version_id = batch.model_version_id
  )
ORDER BY inbox_file.image_id
ON CONFLICT (image_id, model_version_id) DO NOTHING
