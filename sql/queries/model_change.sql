-- One change of champion as sql/figures/changes.sql counts those of a report.
SELECT expression_before, expression_after,
       count(*) AS count_images,
       sum(valence_shift::numeric) AS valence_shift,
       sum(abs(valence_shift)::numeric) AS valence_distance,
       sum(arousal_shift::numeric) AS arousal_shift,
       sum(abs(arousal_shift)::numeric) AS arousal_distance
FROM model_change
WHERE model_before = :before AND model_after = :after
GROUP BY expression_before, expression_after
ORDER BY count_images DESC, expression_before, expression_after
