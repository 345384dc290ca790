SELECT expression_before, expression_after, count(*) AS count_images
FROM model_change
WHERE model_before = :before AND model_after = :after AND is_flip
GROUP BY expression_before, expression_after
ORDER BY count(*) DESC, expression_before, expression_after
