-- What the batch's own model has scored, for another model too.
INSERT INTO scoring_item (image_id, model_version_id)
SELECT DISTINCT scored.image_id, cast(:model_version_id AS bigint)
FROM batch
JOIN inbox_file ON inbox_file.batch_id = batch.id
JOIN scoring_item AS scored
    ON scored.image_id = inbox_file.image_id
   AND scored.model_version_id = batch.model_version_id
   AND scored.state = 'done'
WHERE batch.id = :batch_id
ORDER BY scored.image_id
ON CONFLICT (image_id, model_version_id) DO NOTHING
