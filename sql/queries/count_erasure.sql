UPDATE erasure SET
    count_contents = count_contents + :count_contents,
    count_files = count_files + :count_files,
    count_predictions = count_predictions + :count_predictions,
    count_refusals = count_refusals + :count_refusals,
    count_labels = count_labels + :count_labels,
    count_held = count_held + :count_held,
    models = ARRAY(SELECT DISTINCT name FROM unnest(models || cast(:models AS text[])) AS name
                   ORDER BY name)
WHERE id = :erasure_id
