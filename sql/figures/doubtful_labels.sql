-- Label errors by the newest cross-validation, of the data sets that these runs were trained on.
SELECT DISTINCT
    label_error.sample_id, given.name AS labelled, suggested.name AS suggested,
    label_error.p_given, label_error.p_suggested, label_error.group_key AS found_by,
    label_error.p_suggested - label_error.p_given AS margin
FROM label_error
JOIN expression AS given ON given.id = label_error.expression_id
JOIN expression AS suggested ON suggested.id = label_error.suggested_id
JOIN split ON split.dataset_id = label_error.dataset_id
JOIN training_run ON training_run.split_id = split.id
WHERE training_run.id IN (:runs)
  AND label_error.entered_at = (
      SELECT max(newest.entered_at) FROM label_error AS newest
      WHERE newest.dataset_id = label_error.dataset_id)
ORDER BY margin DESC, label_error.sample_id
LIMIT 10
