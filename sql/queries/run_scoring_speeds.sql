-- A worker with few images measures its start more than its speed.
SELECT
    scoring_throughput.device, scoring_throughput.engine,
    max((scoring_throughput.count_scored + scoring_throughput.count_refused)
        / scoring_throughput.seconds) AS images_per_second,
    cast(sum(scoring_throughput.count_scored) AS bigint) AS count_images
FROM scoring_throughput
JOIN model_version ON model_version.id = scoring_throughput.model_version_id
WHERE model_version.run_id = :run_id
  AND scoring_throughput.seconds > 0 AND scoring_throughput.count_scored >= 32
GROUP BY scoring_throughput.device, scoring_throughput.engine
ORDER BY scoring_throughput.device, scoring_throughput.engine
