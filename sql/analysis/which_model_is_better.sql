-- Which model is better, and is it beyond chance? Intervals are 95 %; overlapping ones settle nothing,
-- and the comparison report holds the paired test that is sharper. Compare within one data set only.
SELECT dataset, metric, model, round(value::numeric, 3) AS value,
       round(low::numeric, 3) AS low, round(high::numeric, 3) AS high,
       round(chance::numeric, 3) AS chance
FROM model_leaderboard
WHERE metric IN ('accuracy', 'macro_f1', 'ccc_valence', 'ccc_arousal')
ORDER BY dataset, metric, value DESC;
