CREATE VIEW refused_image_by_reason AS
SELECT
    batch,
    reason,
    min(meaning)          AS meaning,
    min(advice)           AS advice,
    count(*)              AS count_files,
    sum(bytes)            AS bytes,
    min(rejected_at)      AS first_rejected_at,
    max(rejected_at)      AS last_rejected_at
FROM refused_image
GROUP BY batch, reason;

COMMENT ON VIEW refused_image_by_reason IS 'One row per scoring run and reason: how many files it refused so.';
COMMENT ON COLUMN refused_image_by_reason.batch IS 'The scoring run.';
COMMENT ON COLUMN refused_image_by_reason.reason IS 'Short code of the reason.';
COMMENT ON COLUMN refused_image_by_reason.meaning IS 'The reason in words.';
COMMENT ON COLUMN refused_image_by_reason.advice IS 'What to do about it.';
COMMENT ON COLUMN refused_image_by_reason.count_files IS 'Files refused for this reason.';
COMMENT ON COLUMN refused_image_by_reason.bytes IS 'Their sizes added up.';
COMMENT ON COLUMN refused_image_by_reason.first_rejected_at IS 'When the first of them was refused.';
COMMENT ON COLUMN refused_image_by_reason.last_rejected_at IS 'When the last of them was refused.';
