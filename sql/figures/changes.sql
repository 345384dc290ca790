-- Where one of these networks replaced another as champion: what it predicts otherwise for the delivered
-- images that both scored. Shifts are after minus before.
SELECT model_before, model_after, expression_before, expression_after,
       count(*) AS count_images,
       sum(valence_shift::numeric) AS valence_shift,
       sum(abs(valence_shift)::numeric) AS valence_distance,
       sum(arousal_shift::numeric) AS arousal_shift,
       sum(abs(arousal_shift)::numeric) AS arousal_distance
FROM model_change
WHERE model_before IN (SELECT model FROM run_cost WHERE run_id IN (:runs))
  AND model_after IN (SELECT model FROM run_cost WHERE run_id IN (:runs))
GROUP BY model_before, model_after, expression_before, expression_after
ORDER BY model_before, model_after, count_images DESC, expression_before, expression_after
