CREATE VIEW likely_label_error AS
SELECT
    dataset.name AS dataset,
    doubtful_label.sample_id AS sample,
    given.name AS labelled,
    suggested.name AS suggested,
    doubtful_label.p_given,
    doubtful_label.p_suggested,
    doubtful_label.group_key AS found_by
FROM doubtful_label
JOIN dataset ON dataset.id = doubtful_label.dataset_id
JOIN expression AS given ON given.id = doubtful_label.expression_id
JOIN expression AS suggested ON suggested.id = doubtful_label.suggested_id;
COMMENT ON VIEW likely_label_error IS 'One row per labelled sample that networks which never saw it confidently call something else; the widest margin (p_suggested - p_given) is the likeliest error.';
COMMENT ON COLUMN likely_label_error.dataset IS 'The labelled set.';
COMMENT ON COLUMN likely_label_error.sample IS 'Id of the sample in its set.';
COMMENT ON COLUMN likely_label_error.labelled IS 'The label it has.';
COMMENT ON COLUMN likely_label_error.suggested IS 'What the networks call it.';
COMMENT ON COLUMN likely_label_error.p_given IS 'Probability they gave the label it has, 0 to 1.';
COMMENT ON COLUMN likely_label_error.p_suggested IS 'Probability they gave the other, 0 to 1.';
COMMENT ON COLUMN likely_label_error.found_by IS 'The cross-validation that doubts it.';
