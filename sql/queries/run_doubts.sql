SELECT
    doubtful_label.sample_id, given.name AS labelled, suggested.name AS suggested,
    doubtful_label.p_given, doubtful_label.p_suggested, doubtful_label.group_key AS found_by
FROM training_run
JOIN split ON split.id = training_run.split_id
JOIN doubtful_label ON doubtful_label.dataset_id = split.dataset_id
JOIN expression AS given ON given.id = doubtful_label.expression_id
JOIN expression AS suggested ON suggested.id = doubtful_label.suggested_id
WHERE training_run.id = :run_id
  -- A sample may be doubted by several cross-validations: the newest counts.
  AND doubtful_label.entered_at = (
      SELECT max(newest.entered_at) FROM doubtful_label AS newest
      WHERE newest.dataset_id = doubtful_label.dataset_id)
ORDER BY doubtful_label.p_suggested - doubtful_label.p_given DESC, doubtful_label.sample_id
LIMIT :limit
