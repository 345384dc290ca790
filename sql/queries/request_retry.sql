-- Puts refused files back, with the refusal as it stands. Content is refused as a whole: every
-- file that holds it is retried. What an open batch still counts on is left alone.
WITH refused_content AS (
    SELECT scoring_item.id, scoring_item.image_id, scoring_item.model_version_id,
           coalesce(rejection.code, 'quarantined')                    AS code,
           coalesce(rejection.detail, 'its worker vanished repeatedly') AS detail,
           coalesce(rejection.rejected_at, scoring_item.finished_at)  AS rejected_at
    FROM scoring_item
    LEFT JOIN rejection ON rejection.scoring_item_id = scoring_item.id
    WHERE scoring_item.state IN ('rejected', 'quarantined')
      AND coalesce(rejection.code, 'quarantined') = :code
),
refused AS (
    SELECT inbox_file.id, inbox_file.batch_id, batch.run_key, batch.is_closed,
           'file ' || inbox_file.id AS what,
           rejection.code, rejection.detail, rejection.rejected_at
    FROM rejection
    JOIN inbox_file ON inbox_file.id = rejection.inbox_file_id
    JOIN batch ON batch.id = inbox_file.batch_id
    WHERE rejection.code = :code
    UNION ALL
    SELECT inbox_file.id, inbox_file.batch_id, batch.run_key, batch.is_closed,
           'content ' || refused_content.id,
           refused_content.code, refused_content.detail, refused_content.rejected_at
    FROM refused_content
    JOIN inbox_file ON inbox_file.image_id = refused_content.image_id
    JOIN batch
        ON batch.id = inbox_file.batch_id
       AND batch.model_version_id = refused_content.model_version_id
),
wanted AS (
    SELECT what FROM refused
    GROUP BY what
    HAVING bool_and(is_closed)
       AND bool_or(cast(:run_key AS text) IS NULL OR run_key = :run_key)
)
INSERT INTO refusal_retry
    (inbox_file_id, from_batch_id, code, detail, rejected_at, requested_by)
SELECT refused.id, refused.batch_id, refused.code, refused.detail, refused.rejected_at,
       :requested_by
FROM refused
JOIN wanted USING (what)
ON CONFLICT (inbox_file_id) WHERE to_batch_id IS NULL DO NOTHING
