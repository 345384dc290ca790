-- Items for content that earlier batches brought, when somebody asks for it with this model.
INSERT INTO scoring_item (image_id, model_version_id)
SELECT DISTINCT known.image_id, cast(:model_version_id AS bigint)
FROM inbox_file AS known
JOIN unnest(cast(:paths AS bytea[]), cast(:bytes AS bigint[]), cast(:modified_ns AS bigint[]))
    AS asked (path, bytes, modified_ns)
    ON known.path = asked.path AND known.bytes = asked.bytes
   AND known.modified_ns = asked.modified_ns
WHERE known.source = :source AND known.image_id IS NOT NULL
ORDER BY known.image_id
ON CONFLICT (image_id, model_version_id) DO NOTHING
