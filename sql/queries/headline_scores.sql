-- A model that is champion and challenger has two rows in the view.
SELECT DISTINCT model, metric, value, low, high, chance
FROM model_leaderboard
WHERE model = ANY(:models) AND metric = ANY(:metrics)
