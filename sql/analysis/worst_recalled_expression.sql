-- Of the images labelled with an expression, how many does each model call so? Worst first.
SELECT model, labelled, sum(count_images) AS count_images,
       round(coalesce(sum(share) FILTER (WHERE called = labelled), 0), 3) AS recall
FROM confusion_matrix
GROUP BY model, labelled
ORDER BY recall, model, labelled;
