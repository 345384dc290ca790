CREATE VIEW source_use AS
SELECT
    known.source,
    (SELECT 'inbox ' || min(batch.id) FROM batch WHERE batch.source = known.source) AS inbox,
    coalesce(source_purpose.purpose, 'unstated')              AS purpose,
    source_purpose.basis,
    source_purpose.basis_note,
    coalesce(source_purpose.purpose IN ('workplace', 'education')
             AND source_purpose.basis IS NULL, false)         AS is_prohibited,
    source_purpose.recorded_by,
    source_purpose.recorded_at
FROM (SELECT source FROM source_purpose UNION SELECT source FROM batch) AS known
LEFT JOIN source_purpose ON source_purpose.source = known.source;

COMMENT ON VIEW source_use IS 'One row per source of images: what it may be used for, and who said so.';
COMMENT ON COLUMN source_use.source IS 'Folder or bucket, as the batches name it.';
COMMENT ON COLUMN source_use.inbox IS 'What analysts know it by, in batch_summary; NULL before its first batch.';
COMMENT ON COLUMN source_use.purpose IS 'What its images are for; unstated where nobody recorded it.';
COMMENT ON COLUMN source_use.basis IS 'medical or safety: what makes scoring at work or in education lawful in the EU; NULL where none is recorded.';
COMMENT ON COLUMN source_use.basis_note IS 'What the basis rests on.';
COMMENT ON COLUMN source_use.is_prohibited IS 'True when scoring it is refused (EU AI Act, Article 5(1)(f)).';
COMMENT ON COLUMN source_use.recorded_by IS 'Who recorded it.';
COMMENT ON COLUMN source_use.recorded_at IS 'When it was recorded; NULL where nobody did.';
