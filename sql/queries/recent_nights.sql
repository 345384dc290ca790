-- The nights before one: closed batches of its source by its model that brought something.
SELECT earlier.id
FROM batch
JOIN batch AS earlier
    ON earlier.source = batch.source
   AND earlier.model_version_id = batch.model_version_id
   AND earlier.is_closed
   AND (earlier.closed_at, earlier.id) < (batch.closed_at, batch.id)
   AND earlier.count_done > 0
WHERE batch.id = :batch_id
ORDER BY earlier.closed_at DESC, earlier.id DESC
LIMIT :limit
