-- Items for content that earlier batches brought, when somebody asks for it with this model.
-- LIMIT 1 keeps this one look into the index per delivery, however many files the ledger holds.
INSERT INTO scoring_item (image_id, model_version_id)
SELECT DISTINCT known.image_id, cast(:model_version_id AS bigint)
FROM unnest(cast(:paths AS bytea[]), cast(:bytes AS bigint[]), cast(:modified_ns AS bigint[]))
    AS asked (path, bytes, modified_ns)
CROSS JOIN LATERAL (
    SELECT inbox_file.image_id FROM inbox_file
    WHERE inbox_file.source = :source
      AND inbox_file.path = asked.path AND inbox_file.bytes = asked.bytes
      AND inbox_file.modified_ns = asked.modified_ns
    LIMIT 1
) AS known
WHERE known.image_id IS NOT NULL
ORDER BY known.image_id
ON CONFLICT (image_id, model_version_id) DO NOTHING
