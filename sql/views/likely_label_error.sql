CREATE VIEW likely_label_error AS
SELECT DISTINCT ON (dataset.id, label.image_id, doubtful_label.expression_id)
    dataset.name                        AS dataset,
    encode(dataset.fingerprint, 'hex')  AS dataset_fingerprint,
    -- Ids of samples may be paths.
    encode(image.sha256, 'hex')         AS image_sha256,
    given.name                          AS labelled,
    suggested.name                      AS suggested,
    doubtful_label.p_given,
    doubtful_label.p_suggested,
    doubtful_label.group_key            AS found_by,
    doubtful_label.entered_at
FROM doubtful_label
JOIN dataset ON dataset.id = doubtful_label.dataset_id
JOIN label
    ON label.dataset_id = doubtful_label.dataset_id AND label.sample_id = doubtful_label.sample_id
JOIN image ON image.id = label.image_id
JOIN expression AS given ON given.id = doubtful_label.expression_id
JOIN expression AS suggested ON suggested.id = doubtful_label.suggested_id
ORDER BY dataset.id, label.image_id, doubtful_label.expression_id, doubtful_label.entered_at DESC,
         doubtful_label.p_suggested - doubtful_label.p_given DESC;
COMMENT ON VIEW likely_label_error IS 'One row per labelled image that networks which never saw it confidently call something else, as the newest cross-validation that doubts it says; the widest margin (p_suggested - p_given) is the likeliest error.';
COMMENT ON COLUMN likely_label_error.dataset IS 'The labelled set''s name.';
COMMENT ON COLUMN likely_label_error.dataset_fingerprint IS 'Of its samples, images and labels: other labels under the same name are another set.';
COMMENT ON COLUMN likely_label_error.image_sha256 IS 'SHA-256 of the image file''s bytes.';
COMMENT ON COLUMN likely_label_error.labelled IS 'The label it has.';
COMMENT ON COLUMN likely_label_error.suggested IS 'What the networks call it.';
COMMENT ON COLUMN likely_label_error.p_given IS 'Probability they gave the label it has, 0 to 1, uncalibrated.';
COMMENT ON COLUMN likely_label_error.p_suggested IS 'Probability they gave the other, 0 to 1, uncalibrated.';
COMMENT ON COLUMN likely_label_error.found_by IS 'The cross-validation that doubts it.';
COMMENT ON COLUMN likely_label_error.entered_at IS 'When that was entered.';
