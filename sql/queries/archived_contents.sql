-- The next contents that some other model has scored and this one has not, with their places,
-- newest first; one row without a place where there is none.
SELECT todo.image_id, place.source, place.path, place.bytes, place.modified_ns
FROM (
    SELECT DISTINCT prediction.image_id FROM prediction
    WHERE prediction.image_id > :after
      AND NOT EXISTS (
          SELECT FROM scoring_item
          WHERE scoring_item.image_id = prediction.image_id
            AND scoring_item.model_version_id = :model_version_id
      )
    ORDER BY prediction.image_id
    LIMIT :limit
) AS todo
LEFT JOIN LATERAL (
    SELECT id, source, path, bytes, modified_ns FROM inbox_file
    WHERE inbox_file.image_id = todo.image_id
    ORDER BY id DESC
    LIMIT 10
) AS place ON true
ORDER BY todo.image_id, place.id DESC
