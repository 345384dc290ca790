SELECT group_key, folder, verdict, count_runs, rendered_at FROM report
WHERE cast(:group_key AS text) IS NULL OR group_key = :group_key
ORDER BY rendered_at DESC
