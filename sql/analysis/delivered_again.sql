-- Which images came with more than one night? They were scored once.
SELECT image_sha256, model, count(*) AS count_batches
FROM scored_image_by_batch
GROUP BY image_sha256, model
HAVING count(*) > 1
ORDER BY count_batches DESC, image_sha256;
