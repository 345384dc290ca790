SELECT model, metric, value, low, high, chance
FROM model_leaderboard
WHERE model = ANY(:models) AND metric = ANY(:metrics)
