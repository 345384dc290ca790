CREATE VIEW refused_image AS
SELECT
    batch.run_key                 AS batch,
    (SELECT encode(image.sha256, 'hex') FROM image WHERE image.id = refused.image_id)
                                  AS image_sha256,
    refused.bytes,
    refused.code                  AS reason,
    rejection_reason.meaning,
    rejection_reason.advice,
    refused.rejected_at
FROM (
    -- From the refusals to their files: there are far fewer of them than files.
    SELECT inbox_file.id, inbox_file.batch_id, inbox_file.image_id, inbox_file.bytes,
           rejection.code, rejection.rejected_at
    FROM rejection
    JOIN inbox_file ON inbox_file.id = rejection.inbox_file_id
    UNION ALL
    SELECT inbox_file.id, inbox_file.batch_id, inbox_file.image_id, inbox_file.bytes,
           rejection.code, rejection.rejected_at
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
-- As in refused_file.
WHERE NOT EXISTS (
    SELECT FROM refusal_retry
    WHERE refusal_retry.inbox_file_id = refused.id
      AND refusal_retry.from_batch_id = batch.id
)
UNION ALL
SELECT
    batch.run_key, encode(image.sha256, 'hex'), inbox_file.bytes, refusal_retry.code,
    coalesce(rejection_reason.meaning, 'Its worker vanished repeatedly.'),
    coalesce(rejection_reason.advice, 'See the worker''s log.'), refusal_retry.rejected_at
FROM refusal_retry
JOIN inbox_file ON inbox_file.id = refusal_retry.inbox_file_id
JOIN batch ON batch.id = refusal_retry.from_batch_id
LEFT JOIN image ON image.id = inbox_file.image_id
LEFT JOIN rejection_reason ON rejection_reason.code = refusal_retry.code;

COMMENT ON VIEW refused_image IS 'One row per refused file, without its name: names of files may name people.';
COMMENT ON COLUMN refused_image.image_sha256 IS 'NULL when the file could not be read at all.';
COMMENT ON COLUMN refused_image.batch IS 'The scoring run that refused it.';
COMMENT ON COLUMN refused_image.bytes IS 'Size of the file.';
COMMENT ON COLUMN refused_image.reason IS 'Short code of the reason.';
COMMENT ON COLUMN refused_image.meaning IS 'The reason in words.';
COMMENT ON COLUMN refused_image.advice IS 'What to do about it.';
COMMENT ON COLUMN refused_image.rejected_at IS 'When it was refused.';
