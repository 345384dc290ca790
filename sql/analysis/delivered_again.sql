-- Which images came with more than one night? Each of the nights' models scored them once.
SELECT image_sha256, models, count_batches
FROM image_delivered_again
ORDER BY count_batches DESC, image_sha256;
