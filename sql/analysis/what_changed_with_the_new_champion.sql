-- What changed when the present champion replaced the one before?
-- Over images that both have scored: from which expression to which, most frequent first.
SELECT model_before, model_after, expression_before, expression_after, count(*) AS count_images,
       round(avg(valence_shift)::numeric, 3) AS mean_valence_shift
FROM model_change
WHERE is_flip AND (model_before, model_after) = (
    SELECT from_model, to_model FROM champion_history
    WHERE alias = 'champion' ORDER BY changed_at DESC LIMIT 1
)
GROUP BY 1, 2, 3, 4
ORDER BY count_images DESC, expression_before, expression_after;
