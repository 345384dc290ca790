CREATE VIEW refused_image AS
SELECT
    batch.run_key                 AS batch,
    encode(image.sha256, 'hex')   AS image_sha256,
    inbox_file.bytes,
    rejection.code                AS reason,
    rejection_reason.meaning,
    rejection_reason.advice,
    rejection.rejected_at
FROM inbox_file
JOIN batch ON batch.id = inbox_file.batch_id
LEFT JOIN image ON image.id = inbox_file.image_id
LEFT JOIN scoring_item
    ON scoring_item.image_id = inbox_file.image_id
   AND scoring_item.model_version_id = batch.model_version_id
JOIN rejection
    ON rejection.inbox_file_id = inbox_file.id
    OR rejection.scoring_item_id = scoring_item.id
JOIN rejection_reason ON rejection_reason.code = rejection.code
-- As in refused_file.
WHERE NOT EXISTS (
    SELECT FROM refusal_retry
    WHERE refusal_retry.inbox_file_id = inbox_file.id
      AND refusal_retry.from_batch_id = inbox_file.batch_id
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
