-- RMSE, Pearson's r, CCC, SAGR, what CCC is made of, and the limits of agreement.
WITH said AS (
    SELECT run_id, dimension, truth::float8, said::float8, said::float8 - truth::float8 AS gap
    FROM validation_answer
    CROSS JOIN LATERAL unnest(
        ARRAY['valence', 'arousal'], ARRAY[valence, arousal], ARRAY[said_valence, said_arousal]
    ) AS of_both (dimension, truth, said)
    WHERE run_id IN (:runs)
), moments AS (
    SELECT
        run_id, dimension,
        sqrt(avg(gap ^ 2)) AS rmse,
        corr(said, truth) AS pearson,
        2 * covar_pop(said, truth)
            / (var_pop(said) + var_pop(truth) + avg(gap) ^ 2) AS ccc,
        avg((sign(said) = sign(truth))::int) AS sagr,
        avg(gap) AS bias,
        stddev_samp(gap) AS spread,
        stddev_pop(said) AS sd_said,
        stddev_pop(truth) AS sd_truth
    FROM said GROUP BY run_id, dimension
)
SELECT run_id, dimension, rmse, pearson, ccc, sagr,
       ccc / nullif(pearson, 0) AS bias_correction,
       sd_said / nullif(sd_truth, 0) AS scale,
       bias / nullif(sqrt(sd_said * sd_truth), 0) AS shift,
       bias,
       bias - 1.96 * spread AS limit_low,
       bias + 1.96 * spread AS limit_high
FROM moments ORDER BY run_id, dimension DESC
