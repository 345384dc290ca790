INSERT INTO rescoring_missing (rescoring_id, image_id)
SELECT :rescoring_id, image.id FROM image
WHERE image.id = ANY (cast(:image_ids AS bigint[]))
ON CONFLICT (rescoring_id, image_id) DO NOTHING
