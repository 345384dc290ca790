-- A batch takes over what runs that are gone have left of its source: files without an end. From
-- another model's batch only where its own model is the champion, which all of them are meant for.
WITH open_batch AS MATERIALIZED (
    SELECT other.id, other.run_key, other.model_version_id
    FROM batch AS other
    JOIN batch AS this ON this.source = other.source AND this.id <> other.id
    WHERE this.id = :batch_id
      AND NOT this.is_closed
      AND NOT other.is_closed
      AND (other.model_version_id = this.model_version_id
           OR EXISTS (
               SELECT FROM model_alias
               WHERE alias = 'champion' AND model_alias.model_version_id = this.model_version_id
           ))
    ORDER BY other.id
    FOR NO KEY UPDATE OF other SKIP LOCKED
),
abandoned AS MATERIALIZED (
    SELECT id, model_version_id FROM open_batch
    WHERE pg_try_advisory_xact_lock(hashtextextended(run_key, 7203114903))
),
unfinished AS (
    SELECT inbox_file.id, scoring_item.id AS item_id
    FROM abandoned
    JOIN inbox_file ON inbox_file.batch_id = abandoned.id AND inbox_file.image_id IS NOT NULL
    LEFT JOIN scoring_item
        ON scoring_item.image_id = inbox_file.image_id
       AND scoring_item.model_version_id = abandoned.model_version_id
    WHERE scoring_item.finished_at IS NULL
)
UPDATE inbox_file SET batch_id = :batch_id
FROM unfinished WHERE inbox_file.id = unfinished.id
RETURNING unfinished.item_id
