-- Closes only when every file of the batch has its end; otherwise changes nothing.
WITH counted AS (
    SELECT
        count(*) AS found,
        count(*) FILTER (WHERE scoring_item.state = 'done') AS done,
        count(*) FILTER (WHERE scoring_item.state = 'rejected' OR rejection.id IS NOT NULL)
            AS rejected,
        count(*) FILTER (WHERE scoring_item.state = 'quarantined') AS quarantined
    FROM batch
    JOIN inbox_file ON inbox_file.batch_id = batch.id
    LEFT JOIN scoring_item
        ON scoring_item.image_id = inbox_file.image_id
       AND scoring_item.model_version_id = batch.model_version_id
    LEFT JOIN rejection ON rejection.inbox_file_id = inbox_file.id
    WHERE batch.id = :batch_id
)
UPDATE batch SET
    is_closed = true, closed_at = now(),
    count_found = counted.found, count_done = counted.done,
    count_rejected = counted.rejected, count_quarantined = counted.quarantined
FROM counted
WHERE batch.id = :batch_id
  AND NOT batch.is_closed
  AND counted.found = counted.done + counted.rejected + counted.quarantined
