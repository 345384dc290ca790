-- Which labels of the training data are likeliest to be wrong? From the last cross-validation that was entered.
SELECT dataset, image_sha256, labelled, suggested, round((p_suggested - p_given)::numeric, 3) AS margin
FROM likely_label_error
WHERE entered_at = (SELECT max(entered_at) FROM likely_label_error)
ORDER BY margin DESC, dataset, image_sha256
LIMIT 50;
