WITH newest AS (
    SELECT DISTINCT ON (path) id, path, image_id
    FROM inbox_file
    WHERE source = :source AND (cast(:only AS bytea) IS NULL OR path = :only)
    ORDER BY path, id DESC
)
SELECT
    readable_path(newest.path) AS file, expression.name AS expression, prediction.confidence,
    prediction.valence, prediction.arousal, rejection.code AS reason
FROM newest
LEFT JOIN prediction
    ON prediction.image_id = newest.image_id
   AND prediction.model_version_id = :model_version_id
LEFT JOIN expression ON expression.id = prediction.expression_id
LEFT JOIN scoring_item
    ON scoring_item.image_id = newest.image_id
   AND scoring_item.model_version_id = :model_version_id
LEFT JOIN rejection
    ON rejection.inbox_file_id = newest.id OR rejection.scoring_item_id = scoring_item.id
ORDER BY newest.path
LIMIT :limit
