CREATE VIEW refused_file AS
SELECT
    batch.run_key                   AS batch,
    inbox_file.source,
    readable_path(inbox_file.path)  AS file,
    inbox_file.bytes,
    rejection.code                  AS reason,
    rejection_reason.meaning,
    rejection.detail,
    rejection_reason.advice,
    rejection.rejected_at
FROM inbox_file
JOIN batch ON batch.id = inbox_file.batch_id
LEFT JOIN scoring_item
    ON scoring_item.image_id = inbox_file.image_id
   AND scoring_item.model_version_id = batch.model_version_id
JOIN rejection
    ON rejection.inbox_file_id = inbox_file.id
    OR rejection.scoring_item_id = scoring_item.id
JOIN rejection_reason ON rejection_reason.code = rejection.code;

COMMENT ON VIEW refused_file IS 'One row per refused file, with its name: for operators. Analysts have refused_image, without names.';
COMMENT ON COLUMN refused_file.file IS 'Path inside the source; control characters are made visible.';
