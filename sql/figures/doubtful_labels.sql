-- Labels that the newest cross-validation doubts, of the data sets that these runs were trained on.
SELECT DISTINCT
    doubtful_label.sample_id, given.name AS labelled, suggested.name AS suggested,
    doubtful_label.p_given, doubtful_label.p_suggested, doubtful_label.group_key AS found_by,
    doubtful_label.p_suggested - doubtful_label.p_given AS margin
FROM doubtful_label
JOIN expression AS given ON given.id = doubtful_label.expression_id
JOIN expression AS suggested ON suggested.id = doubtful_label.suggested_id
JOIN split ON split.dataset_id = doubtful_label.dataset_id
JOIN training_run ON training_run.split_id = split.id
WHERE training_run.id IN (:runs)
  AND doubtful_label.entered_at = (
      SELECT max(newest.entered_at) FROM doubtful_label AS newest
      WHERE newest.dataset_id = doubtful_label.dataset_id)
ORDER BY margin DESC, doubtful_label.sample_id
LIMIT 10
