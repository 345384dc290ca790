INSERT INTO held_folder (batch_id, folder, code, count_files, detail)
VALUES (:batch_id, :folder, :code, :count_files, :detail)
ON CONFLICT (batch_id, folder, code) DO UPDATE
    SET count_files = excluded.count_files, detail = excluded.detail, seen_at = now()
