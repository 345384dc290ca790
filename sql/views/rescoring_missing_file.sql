CREATE VIEW rescoring_missing_file AS
SELECT
    rescoring.run_key             AS rescoring,
    encode(image.sha256, 'hex')   AS image_sha256,
    place.source,
    readable_path(place.path)     AS file
FROM rescoring_missing
JOIN rescoring ON rescoring.id = rescoring_missing.rescoring_id
JOIN image ON image.id = rescoring_missing.image_id
LEFT JOIN LATERAL (
    SELECT source, path FROM inbox_file
    WHERE inbox_file.image_id = rescoring_missing.image_id
    ORDER BY id DESC
    LIMIT 1
) AS place ON true;

COMMENT ON VIEW rescoring_missing_file IS 'One row per rescoring and image whose file could not be found any more, with its last name: for operators.';
COMMENT ON COLUMN rescoring_missing_file.rescoring IS 'The run that searched for it.';
COMMENT ON COLUMN rescoring_missing_file.image_sha256 IS 'SHA-256 of the image file''s bytes.';
COMMENT ON COLUMN rescoring_missing_file.source IS 'Folder or bucket of its newest delivery; NULL when no delivery is known any more.';
COMMENT ON COLUMN rescoring_missing_file.file IS 'Path inside the source; control characters are made visible.';
