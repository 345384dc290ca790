-- Everything that names one image, in one statement: its foreign keys are asked at its end. Its files
-- become leftovers, also those that retention has removed: a restored inbox may have brought them back.
WITH leftovers AS (
    INSERT INTO erasure_leftover (erasure_id, source, path, content_hmac, problem)
    SELECT :erasure_id, source, path, :content_hmac, 'not tried yet'
    FROM (SELECT DISTINCT source, path FROM inbox_file WHERE image_id = :image_id) AS place
    ORDER BY source, path
),
files AS (
    DELETE FROM inbox_file WHERE image_id = :image_id
    RETURNING id, batch_id, path
),
retries AS (
    DELETE FROM refusal_retry
    WHERE inbox_file_id IN (SELECT id FROM inbox_file WHERE image_id = :image_id)
),
items AS (
    DELETE FROM scoring_item WHERE image_id = :image_id
    RETURNING id
),
refusals AS (
    DELETE FROM rejection
    WHERE inbox_file_id IN (SELECT id FROM inbox_file WHERE image_id = :image_id)
       OR scoring_item_id IN (SELECT id FROM scoring_item WHERE image_id = :image_id)
    RETURNING id
),
predictions AS (
    DELETE FROM prediction WHERE image_id = :image_id
    RETURNING image_id
),
subjects AS (
    DELETE FROM subject_image WHERE image_id = :image_id
),
said AS (
    DELETE FROM validation_prediction USING label, split, training_run
    WHERE label.image_id = :image_id
      AND split.dataset_id = label.dataset_id
      AND training_run.split_id = split.id
      AND validation_prediction.run_id = training_run.id
      AND validation_prediction.sample_id = label.sample_id
    RETURNING validation_prediction.run_id
),
doubts AS (
    DELETE FROM label_error USING label
    WHERE label.image_id = :image_id
      AND label_error.dataset_id = label.dataset_id
      AND label_error.sample_id = label.sample_id
),
labels AS (
    DELETE FROM label WHERE image_id = :image_id
    RETURNING sample_id
),
members AS (
    DELETE FROM split_member WHERE image_id = :image_id
),
-- A held folder's detail names one file as its example.
examples AS (
    DELETE FROM held_folder USING inbox_file
    WHERE inbox_file.image_id = :image_id
      AND held_folder.batch_id IN (SELECT id FROM batch WHERE batch.source = inbox_file.source)
      AND strpos(held_folder.detail,
                 regexp_replace(readable_path(inbox_file.path), '^.*/', '')) > 0
),
content AS (
    DELETE FROM image WHERE id = :image_id
)
SELECT
    (SELECT count(*) FROM files)                                        AS count_files,
    (SELECT count(*) FROM predictions) + (SELECT count(*) FROM said)    AS count_predictions,
    (SELECT count(*) FROM refusals)                                     AS count_refusals,
    (SELECT count(*) FROM labels)                                       AS count_labels,
    -- Every part of a statement sees the rows as they were before it.
    ARRAY(
        SELECT DISTINCT model_version.name
        FROM split_member
        JOIN training_run ON training_run.split_id = split_member.split_id
        JOIN model_version ON model_version.run_id = training_run.id
        WHERE split_member.image_id = :image_id AND split_member.split = 'train'
        ORDER BY model_version.name
    )                                                                   AS models
