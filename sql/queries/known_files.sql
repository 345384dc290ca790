-- Which of these deliveries (path, size, time) the ledger already holds. A file that could not be
-- read and is to be retried counts as unknown: it is read again.
-- LIMIT 1 keeps this one look into the index per delivery, however many files the ledger holds.
SELECT known.path, known.bytes, known.modified_ns
FROM unnest(cast(:paths AS bytea[]), cast(:bytes AS bigint[]), cast(:modified_ns AS bigint[]))
    AS asked (path, bytes, modified_ns)
CROSS JOIN LATERAL (
    SELECT id, path, bytes, modified_ns, image_id FROM inbox_file
    WHERE inbox_file.source = :source
      AND inbox_file.path = asked.path AND inbox_file.bytes = asked.bytes
      AND inbox_file.modified_ns = asked.modified_ns
    LIMIT 1
) AS known
WHERE NOT (
    known.image_id IS NULL
    AND EXISTS (
        SELECT FROM refusal_retry
        WHERE refusal_retry.inbox_file_id = known.id AND refusal_retry.to_batch_id IS NULL
    )
)
