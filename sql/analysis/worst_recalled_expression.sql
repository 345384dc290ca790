-- Of the images labelled with an expression, how many does each model call so? Worst first.
-- Ranked are models validated on the same held-out images: one data set and one split of it.
SELECT dataset, left(dataset_fingerprint, 8) AS fingerprint, left(split_fingerprint, 8) AS split,
       model, labelled, sum(count_images) AS count_images,
       round(coalesce(sum(share) FILTER (WHERE called = labelled), 0), 3) AS recall
FROM confusion_matrix
GROUP BY dataset, dataset_fingerprint, split_fingerprint, model, labelled
ORDER BY dataset, dataset_fingerprint, split_fingerprint, recall, model, labelled;
