SELECT
    label_error.sample_id, given.name AS labelled, suggested.name AS suggested,
    label_error.p_given, label_error.p_suggested, label_error.group_key AS found_by
FROM training_run
JOIN split ON split.id = training_run.split_id
JOIN label_error ON label_error.dataset_id = split.dataset_id
JOIN expression AS given ON given.id = label_error.expression_id
JOIN expression AS suggested ON suggested.id = label_error.suggested_id
WHERE training_run.id = :run_id
  -- A sample may be found by several cross-validations: the newest counts.
  AND label_error.entered_at = (
      SELECT max(newest.entered_at) FROM label_error AS newest
      WHERE newest.dataset_id = label_error.dataset_id)
ORDER BY label_error.p_suggested - label_error.p_given DESC, label_error.sample_id
LIMIT :limit
