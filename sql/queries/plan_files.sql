-- Enters arrived files, and where it is asked for an item for each of their contents; a file that
-- another planner entered meanwhile is left alone.
WITH entered AS (
    INSERT INTO inbox_file (batch_id, source, path, bytes, modified_ns, image_id)
    SELECT :batch_id, :source, arrived_file.path, arrived_file.bytes, arrived_file.modified_ns,
           -- One look into the index per file, however many images there are.
           (SELECT image.id FROM image WHERE image.sha256 = arrived_file.sha256)
    FROM arrived_file
    ORDER BY arrived_file.path
    ON CONFLICT (source, path, bytes, modified_ns) DO NOTHING
    RETURNING id, path, bytes, modified_ns, image_id
),
planned AS (
    INSERT INTO scoring_item (image_id, model_version_id)
    SELECT DISTINCT entered.image_id, cast(:model_version_id AS bigint)
    FROM entered
    WHERE cast(:plans AS boolean) AND entered.image_id IS NOT NULL
    ORDER BY entered.image_id
    ON CONFLICT (image_id, model_version_id) DO NOTHING
    RETURNING image_id
),
refused AS (
    INSERT INTO rejection (inbox_file_id, code, detail)
    SELECT entered.id, arrived_file.code, arrived_file.detail
    FROM entered
    JOIN arrived_file USING (path, bytes, modified_ns)
    WHERE cast(:refuses AS boolean) AND arrived_file.code IS NOT NULL
)
SELECT (SELECT count(*) FROM entered) AS count_entered,
       (SELECT count(*) FROM planned) AS count_planned
