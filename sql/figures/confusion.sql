-- How often each expression was called what, and which share of its images that is.
SELECT
    run_id, labelled, called, count(*) AS images,
    count(*)::float8 / sum(count(*)) OVER (PARTITION BY run_id, labelled)::float8 AS share
FROM validation_answer
WHERE run_id IN (:runs)
GROUP BY run_id, labelled, called
ORDER BY run_id, labelled, images DESC
