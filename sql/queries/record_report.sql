INSERT INTO report (group_key, folder, verdict, count_runs, rendered_at)
VALUES (:group_key, :folder, :verdict, :count_runs, :rendered_at)
ON CONFLICT (group_key) DO UPDATE SET
    folder = excluded.folder, verdict = excluded.verdict,
    count_runs = excluded.count_runs, rendered_at = excluded.rendered_at
