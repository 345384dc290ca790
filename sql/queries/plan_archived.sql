-- What was erased since it was looked for is left alone.
INSERT INTO scoring_item (image_id, model_version_id)
SELECT image.id, cast(:model_version_id AS bigint)
FROM image
WHERE image.id = ANY (cast(:image_ids AS bigint[]))
ORDER BY image.id
ON CONFLICT (image_id, model_version_id) DO NOTHING
