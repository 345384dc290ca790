-- Which model is better, and is it beyond chance? Intervals are 95 %; overlapping ones settle nothing,
-- and the comparison report holds the paired test that is sharper. Ranked are models validated on the
-- same held-out images: one data set and one split of it, by their fingerprints.
SELECT dataset, left(dataset_fingerprint, 8) AS fingerprint, left(split_fingerprint, 8) AS split,
       metric, model, round(value::numeric, 3) AS value,
       round(low::numeric, 3) AS low, round(high::numeric, 3) AS high,
       round(chance::numeric, 3) AS chance
FROM model_leaderboard
WHERE metric IN ('accuracy', 'macro_f1', 'ccc_valence', 'ccc_arousal')
ORDER BY dataset, dataset_fingerprint, split_fingerprint, metric, value DESC, model;
