CREATE VIEW refused_file AS
SELECT
    batch.run_key                   AS batch,
    refused.source,
    readable_path(refused.path)  AS file,
    refused.bytes,
    refused.code                  AS reason,
    rejection_reason.meaning,
    refused.detail,
    rejection_reason.advice,
    refused.rejected_at,
    NULL                            AS retried_in
FROM (
    -- From the refusals to their files: there are far fewer of them than files.
    SELECT inbox_file.id, inbox_file.batch_id, inbox_file.source, inbox_file.path,
           inbox_file.bytes,
           rejection.code, rejection.detail, rejection.rejected_at
    FROM rejection
    JOIN inbox_file ON inbox_file.id = rejection.inbox_file_id
    UNION ALL
    SELECT inbox_file.id, inbox_file.batch_id, inbox_file.source, inbox_file.path,
           inbox_file.bytes,
           rejection.code, rejection.detail, rejection.rejected_at
    FROM scoring_item
    JOIN rejection ON rejection.scoring_item_id = scoring_item.id
    JOIN inbox_file ON inbox_file.image_id = scoring_item.image_id
    JOIN batch AS planned
        ON planned.id = inbox_file.batch_id
       AND planned.model_version_id = scoring_item.model_version_id
    WHERE scoring_item.state = 'rejected'
) AS refused
JOIN batch ON batch.id = refused.batch_id
JOIN rejection_reason ON rejection_reason.code = refused.code
-- The record of a retry tells which file was retried: the file may have moved on to a later batch.
WHERE NOT EXISTS (
    SELECT FROM refusal_retry
    WHERE refusal_retry.inbox_file_id = refused.id
      AND refusal_retry.from_batch_id = batch.id
)
UNION ALL
SELECT
    batch.run_key, inbox_file.source, readable_path(inbox_file.path), inbox_file.bytes,
    refusal_retry.code, coalesce(rejection_reason.meaning, 'Its worker vanished repeatedly.'),
    refusal_retry.detail, coalesce(rejection_reason.advice, 'See the worker''s log.'),
    refusal_retry.rejected_at, coalesce(later.run_key, 'the next batch')
FROM refusal_retry
JOIN inbox_file ON inbox_file.id = refusal_retry.inbox_file_id
JOIN batch ON batch.id = refusal_retry.from_batch_id
LEFT JOIN batch AS later ON later.id = refusal_retry.to_batch_id
LEFT JOIN rejection_reason ON rejection_reason.code = refusal_retry.code;

COMMENT ON VIEW refused_file IS 'One row per refused file, with its name: for operators. Analysts have refused_image, without names.';
COMMENT ON COLUMN refused_file.file IS 'Path inside the source; control characters are made visible.';
COMMENT ON COLUMN refused_file.retried_in IS 'The batch in which the file was tried again; NULL when nobody put it back.';
COMMENT ON COLUMN refused_file.batch IS 'The scoring run that refused it.';
COMMENT ON COLUMN refused_file.bytes IS 'Size of the file.';
COMMENT ON COLUMN refused_file.reason IS 'Short code of the reason.';
COMMENT ON COLUMN refused_file.meaning IS 'The reason in words.';
COMMENT ON COLUMN refused_file.detail IS 'What was found in this very file.';
COMMENT ON COLUMN refused_file.advice IS 'What to do about it.';
COMMENT ON COLUMN refused_file.rejected_at IS 'When it was refused.';
