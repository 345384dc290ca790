-- Which images came with more than one night? They were scored once.
SELECT image_sha256, model, count_batches
FROM image_delivered_again
ORDER BY count_batches DESC, image_sha256;
