-- Images a second of whole nights: from the first worker's start to the last one's end.
SELECT
    batch.run_key,
    sum(told.count_scored + told.count_refused)
        / nullif(extract(epoch FROM max(told.ended_at)
                 - min(told.ended_at - make_interval(secs => told.seconds)))::float8, 0)
        AS images_per_second
FROM batch
JOIN scoring_throughput AS told
    ON told.run_key = batch.run_key AND told.model_version_id = batch.model_version_id
WHERE batch.run_key = ANY(:run_keys)
GROUP BY batch.run_key
HAVING sum(told.count_scored + told.count_refused) > 0
