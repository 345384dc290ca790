SELECT
    id, asked_by, reason, requested_by, requested_at, finished_at, count_contents, count_files,
    count_predictions, count_refusals, count_labels, count_held, models,
    (SELECT count(*) FROM erasure_leftover WHERE erasure_leftover.erasure_id = erasure.id)
        AS count_left
FROM erasure
WHERE cast(:erasure_id AS bigint) IS NULL OR id = :erasure_id
ORDER BY id DESC
LIMIT :limit
