SELECT
    doubtful_label.sample_id, given.name AS labelled, suggested.name AS suggested,
    doubtful_label.p_given, doubtful_label.p_suggested, doubtful_label.group_key AS found_by
FROM training_run
JOIN split ON split.id = training_run.split_id
JOIN doubtful_label ON doubtful_label.dataset_id = split.dataset_id
JOIN expression AS given ON given.id = doubtful_label.expression_id
JOIN expression AS suggested ON suggested.id = doubtful_label.suggested_id
WHERE training_run.id = :run_id
ORDER BY doubtful_label.p_suggested - doubtful_label.p_given DESC, doubtful_label.sample_id
LIMIT :limit
