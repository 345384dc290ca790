-- A new batch takes over the files of its source that are to be retried and whose content is known:
-- their items wait again. Content that another open batch counts on stays where it is.
WITH taken AS (
    UPDATE refusal_retry SET to_batch_id = batch.id, retried_at = now()
    FROM batch
    JOIN inbox_file ON inbox_file.source = batch.source
    WHERE batch.id = :batch_id
      AND NOT batch.is_closed
      AND refusal_retry.inbox_file_id = inbox_file.id
      AND refusal_retry.to_batch_id IS NULL
      AND inbox_file.image_id IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM inbox_file AS same
          JOIN batch AS other ON other.id = same.batch_id
          WHERE same.image_id = inbox_file.image_id
            AND other.id <> batch.id
            AND NOT other.is_closed
            AND other.model_version_id = batch.model_version_id
      )
    RETURNING inbox_file.id, inbox_file.image_id, batch.model_version_id
),
moved AS (
    UPDATE inbox_file SET batch_id = :batch_id
    FROM taken WHERE inbox_file.id = taken.id
),
waiting AS (
    UPDATE scoring_item SET state = 'pending', finished_at = NULL, solo_attempts = 0
    FROM (SELECT DISTINCT image_id, model_version_id FROM taken) AS content
    WHERE scoring_item.image_id = content.image_id
      AND scoring_item.model_version_id = content.model_version_id
      AND scoring_item.state IN ('rejected', 'quarantined')
    RETURNING scoring_item.id
),
forgotten AS (
    DELETE FROM rejection USING waiting WHERE rejection.scoring_item_id = waiting.id
)
SELECT count(*) FROM taken
