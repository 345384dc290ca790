-- How pleasant and how excited was what came each night?
SELECT batch, model, count_images, round(mean_valence::numeric, 3) AS mean_valence,
       round(mean_arousal::numeric, 3) AS mean_arousal
FROM scored_image_by_batch_affect
ORDER BY opened_at, batch;
