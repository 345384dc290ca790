-- How fast was scoring, with which engine, on which machine? Newest first.
SELECT batch, worker, model, device, engine, count_scored,
       round(images_per_second::numeric, 1) AS images_per_second
FROM scoring_rate
ORDER BY ended_at DESC
LIMIT 20;
