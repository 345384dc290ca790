-- A name under which nothing could ever be read.
WITH files AS (
    DELETE FROM inbox_file
    WHERE source = :source AND path = :path AND image_id IS NULL
    RETURNING id
),
retries AS (
    DELETE FROM refusal_retry WHERE inbox_file_id IN (
        SELECT id FROM inbox_file WHERE source = :source AND path = :path AND image_id IS NULL)
),
refusals AS (
    DELETE FROM rejection WHERE inbox_file_id IN (
        SELECT id FROM inbox_file WHERE source = :source AND path = :path AND image_id IS NULL)
    RETURNING id
)
SELECT (SELECT count(*) FROM files) AS count_files,
       (SELECT count(*) FROM refusals) AS count_refusals
