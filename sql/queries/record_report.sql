INSERT INTO report (group_key, folder, verdict, count_runs, rendered_at,
                    title, run_keys, networks, datasets, outcomes, is_drawn)
VALUES (:group_key, :folder, :verdict, :count_runs, :rendered_at,
        :title, :run_keys, :networks, :datasets, :outcomes, :is_drawn)
ON CONFLICT (group_key) DO UPDATE SET
    folder = excluded.folder, verdict = excluded.verdict,
    count_runs = excluded.count_runs, rendered_at = excluded.rendered_at,
    title = excluded.title, run_keys = excluded.run_keys, networks = excluded.networks,
    datasets = excluded.datasets, outcomes = excluded.outcomes, is_drawn = excluded.is_drawn
