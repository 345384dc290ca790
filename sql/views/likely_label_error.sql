CREATE VIEW likely_label_error AS
SELECT DISTINCT ON (dataset.id, label.image_id, label_error.expression_id)
    dataset.name                        AS dataset,
    encode(dataset.fingerprint, 'hex')  AS dataset_fingerprint,
    -- Ids of samples may be paths.
    encode(image.sha256, 'hex')         AS image_sha256,
    given.name                          AS labelled,
    suggested.name                      AS suggested,
    label_error.p_given,
    label_error.p_suggested,
    label_error.group_key            AS found_by,
    label_error.entered_at
FROM label_error
JOIN dataset ON dataset.id = label_error.dataset_id
JOIN label
    ON label.dataset_id = label_error.dataset_id AND label.sample_id = label_error.sample_id
JOIN image ON image.id = label.image_id
JOIN expression AS given ON given.id = label_error.expression_id
JOIN expression AS suggested ON suggested.id = label_error.suggested_id
ORDER BY dataset.id, label.image_id, label_error.expression_id, label_error.entered_at DESC,
         label_error.p_suggested - label_error.p_given DESC;
COMMENT ON VIEW likely_label_error IS 'One row per labelled image for which networks that never saw it confidently predict another expression, by the newest cross-validation that found it; the widest margin (p_suggested - p_given) is the likeliest error.';
COMMENT ON COLUMN likely_label_error.dataset IS 'The labelled set''s name.';
COMMENT ON COLUMN likely_label_error.dataset_fingerprint IS 'Of its samples, images and labels: other labels under the same name are another set.';
COMMENT ON COLUMN likely_label_error.image_sha256 IS 'SHA-256 of the image file''s bytes.';
COMMENT ON COLUMN likely_label_error.labelled IS 'The label it has.';
COMMENT ON COLUMN likely_label_error.suggested IS 'What the networks call it.';
COMMENT ON COLUMN likely_label_error.p_given IS 'Probability they gave the label it has, 0 to 1, uncalibrated.';
COMMENT ON COLUMN likely_label_error.p_suggested IS 'Probability they gave the other, 0 to 1, uncalibrated.';
COMMENT ON COLUMN likely_label_error.found_by IS 'The cross-validation that found it.';
COMMENT ON COLUMN likely_label_error.entered_at IS 'When that was entered.';
