-- Delivered files that are old enough, of closed batches, whose content waits for no worker.
SELECT
    inbox_file.id, inbox_file.source, inbox_file.path,
    inbox_file.bytes AS size, inbox_file.modified_ns,
    image.sha256,
    CASE WHEN (SELECT NOT EXISTS (SELECT FROM legal_hold WHERE lifted_at IS NULL)) THEN NULL
         WHEN inbox_file.image_id IS NOT NULL THEN standing_hold(inbox_file.image_id)
         ELSE (SELECT min(legal_hold.id) FROM legal_hold
               WHERE legal_hold.lifted_at IS NULL AND legal_hold.source = inbox_file.source)
    END AS hold
FROM inbox_file
JOIN batch ON batch.id = inbox_file.batch_id AND batch.is_closed
LEFT JOIN image ON image.id = inbox_file.image_id
WHERE inbox_file.id > :after
  AND inbox_file.found_at < :cutoff
  AND inbox_file.removed_at IS NULL
  AND NOT EXISTS (
      SELECT FROM scoring_item
      WHERE scoring_item.image_id = inbox_file.image_id AND scoring_item.finished_at IS NULL
  )
ORDER BY inbox_file.id
LIMIT :limit
