CREATE VIEW image_delivered_again AS
SELECT
    (SELECT encode(image.sha256, 'hex') FROM image WHERE image.id = delivered.image_id)
                                         AS image_sha256,
    model_version.name                   AS model,
    delivered.count_batches
FROM (
    SELECT inbox_file.image_id, batch.model_version_id,
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
    GROUP BY inbox_file.image_id, batch.model_version_id
    HAVING count(DISTINCT inbox_file.batch_id) > 1
) AS delivered
JOIN prediction
    ON prediction.image_id = delivered.image_id
   AND prediction.model_version_id = delivered.model_version_id
JOIN model_version ON model_version.id = delivered.model_version_id;

COMMENT ON VIEW image_delivered_again IS 'One row per scored image and model with which it came in more than one batch.';
COMMENT ON COLUMN image_delivered_again.image_sha256 IS 'SHA-256 of the image''s bytes.';
COMMENT ON COLUMN image_delivered_again.model IS 'The model of those batches.';
COMMENT ON COLUMN image_delivered_again.count_batches IS 'Batches that delivered it, two or more.';
