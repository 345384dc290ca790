SELECT
    scored.expression,
    count(*) AS count_images,
    cast(count(*) / sum(count(*)) OVER () AS double precision) AS share,
    avg(scored.confidence) AS mean_confidence,
    avg(scored.valence) AS mean_valence,
    avg(scored.arousal) AS mean_arousal
FROM scored_image_by_batch AS scored
JOIN expression ON expression.name = scored.expression
WHERE scored.batch = :run_key
GROUP BY scored.expression, expression.id
ORDER BY expression.id
