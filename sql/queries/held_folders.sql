SELECT
    readable_path(held_folder.folder) AS folder, held_folder.code AS reason, hold_reason.meaning,
    held_folder.detail, hold_reason.advice, held_folder.count_files
FROM held_folder
JOIN hold_reason ON hold_reason.code = held_folder.code
JOIN batch ON batch.id = held_folder.batch_id
WHERE batch.run_key = :run_key
ORDER BY held_folder.folder, held_folder.code
