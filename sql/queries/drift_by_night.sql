-- Every distance of the newest nights that were checked.
SELECT
    batch, night, model, against, measure, value, limit_value, status, count_images
FROM drift
WHERE batch IN (
    SELECT batch FROM drift GROUP BY batch, night ORDER BY night DESC LIMIT :nights
)
ORDER BY night DESC, batch, against DESC, measure
