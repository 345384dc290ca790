-- Enters arrived files; a file that another planner entered meanwhile is left alone.
WITH entered AS (
    INSERT INTO inbox_file (batch_id, source, path, bytes, modified_ns, image_id)
    SELECT :batch_id, :source, arrived_file.path, arrived_file.bytes, arrived_file.modified_ns,
           -- One look into the index per file, however many images there are.
           (SELECT image.id FROM image WHERE image.sha256 = arrived_file.sha256)
    FROM arrived_file
    ORDER BY arrived_file.path
    ON CONFLICT (source, path, bytes, modified_ns) DO NOTHING
    RETURNING id, path, bytes, modified_ns
),
refused AS (
    INSERT INTO rejection (inbox_file_id, code, detail)
    SELECT entered.id, arrived_file.code, arrived_file.detail
    FROM entered
    JOIN arrived_file USING (path, bytes, modified_ns)
    WHERE arrived_file.code IS NOT NULL
)
SELECT count(*) FROM entered
