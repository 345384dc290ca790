CREATE VIEW image_delivered_again AS
SELECT
    (SELECT encode(image.sha256, 'hex') FROM image WHERE image.id = delivered.image_id)
                                         AS image_sha256,
    delivered.models,
    delivered.count_batches
FROM (
    SELECT inbox_file.image_id,
           string_agg(DISTINCT model_version.name, ', ' ORDER BY model_version.name) AS models,
           count(DISTINCT inbox_file.batch_id) AS count_batches
    FROM (
        -- The index alone says which images have more than one file.
        SELECT image_id FROM inbox_file
        WHERE image_id IS NOT NULL
        GROUP BY image_id
        HAVING count(*) > 1
        OFFSET 0
    ) AS repeated
    JOIN inbox_file ON inbox_file.image_id = repeated.image_id
    JOIN batch ON batch.id = inbox_file.batch_id
    JOIN model_version ON model_version.id = batch.model_version_id
    GROUP BY inbox_file.image_id
    HAVING count(DISTINCT inbox_file.batch_id) > 1
) AS delivered
WHERE EXISTS (SELECT FROM prediction WHERE prediction.image_id = delivered.image_id);

COMMENT ON VIEW image_delivered_again IS 'One row per scored image that came in more than one batch, whichever models the batches had.';
COMMENT ON COLUMN image_delivered_again.image_sha256 IS 'SHA-256 of the image''s bytes.';
COMMENT ON COLUMN image_delivered_again.models IS 'The models of those batches; each scored it once.';
COMMENT ON COLUMN image_delivered_again.count_batches IS 'Batches that delivered it, two or more.';
