-- Files that could not be read, were retried, and have now been read again: they move to
-- this batch, with their content or with the reason why they still cannot be read.
WITH again AS (
    -- From the few that were retried, not from the many that arrived.
    SELECT inbox_file.id, image.id AS image_id, arrived_file.code, arrived_file.detail
    FROM refusal_retry
    JOIN inbox_file ON inbox_file.id = refusal_retry.inbox_file_id
    JOIN arrived_file
        ON arrived_file.path = inbox_file.path
       AND arrived_file.bytes = inbox_file.bytes
       AND arrived_file.modified_ns = inbox_file.modified_ns
    LEFT JOIN image ON image.sha256 = arrived_file.sha256
    WHERE refusal_retry.to_batch_id IS NULL
      AND inbox_file.source = :source
      AND inbox_file.image_id IS NULL
),
taken AS (
    UPDATE refusal_retry SET to_batch_id = :batch_id, retried_at = now()
    FROM again
    WHERE refusal_retry.inbox_file_id = again.id AND refusal_retry.to_batch_id IS NULL
    RETURNING again.id, again.image_id, again.code, again.detail
),
moved AS (
    UPDATE inbox_file SET batch_id = :batch_id, image_id = taken.image_id
    FROM taken WHERE inbox_file.id = taken.id
),
refused AS (
    UPDATE rejection SET code = taken.code, detail = taken.detail, rejected_at = now()
    FROM taken WHERE rejection.inbox_file_id = taken.id AND taken.code IS NOT NULL
),
forgotten AS (
    DELETE FROM rejection USING taken
    WHERE rejection.inbox_file_id = taken.id AND taken.code IS NULL
)
SELECT count(*) FROM taken
