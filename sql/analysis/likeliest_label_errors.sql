-- Which labels of the training data are likeliest to be wrong? From the last cross-validation that was entered.
SELECT dataset, sample, labelled, suggested, round((p_suggested - p_given)::numeric, 3) AS margin
FROM likely_label_error
ORDER BY margin DESC, dataset, sample
LIMIT 50;
