-- Is the share of Contempt drifting? Each day beside the mean of the seven scored days before it.
-- Fewer than a few hundred images a day move by chance: the standard error says by how much.
WITH scored AS (
    SELECT day, model, sum(count_images) AS count_images,
           coalesce(sum(count_images) FILTER (WHERE expression = 'Contempt'), 0) AS count_contempt
    FROM daily_expression_mix
    GROUP BY day, model
)
SELECT day, model, count_images,
       round(count_contempt / count_images, 4) AS share,
       round(sqrt(count_contempt / count_images * (1 - count_contempt / count_images)
             / count_images), 4) AS standard_error,
       round(avg(count_contempt / count_images) OVER (
           PARTITION BY model ORDER BY day ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING
       ), 4) AS mean_of_seven_before
FROM scored
ORDER BY model, day;
