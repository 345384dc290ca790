-- Where do two models disagree most about the same images?
SELECT model, other_model, expression, other_expression, count(*) AS count_images
FROM model_disagreement
GROUP BY 1, 2, 3, 4
ORDER BY count_images DESC, model, other_model, expression, other_expression
LIMIT 20;
