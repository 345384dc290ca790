SELECT group_key, folder, verdict, count_runs, rendered_at,
       title, run_keys, networks, datasets, outcomes, is_drawn
FROM report
WHERE cast(:group_key AS text) IS NULL OR group_key = :group_key
ORDER BY rendered_at DESC, group_key
