-- Which network is better, over folds and seeds? Newest experiment first; intervals are 95 %, for other images
-- and other trainings, and the experiment's page holds the paired test that is sharper.
SELECT experiment, dataset, folds, repeats AS seeds, metric, network, round(value::numeric, 3) AS value,
       round(low::numeric, 3) AS low, round(high::numeric, 3) AS high,
       round(seed_spread::numeric, 3) AS between_seeds, round(fold_spread::numeric, 3) AS between_folds
FROM experiment_score
JOIN experiment_summary USING (experiment)
WHERE metric IN ('accuracy', 'ccc_mean')
ORDER BY opened_at DESC, experiment, metric, value DESC, network;
