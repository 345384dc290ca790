-- What a model says of the images that came with these batches. Of more than :limit those with the
-- smallest hashes of their numbers: as good as a random sample, and the same one at each check.
SELECT
    prediction.p_neutral, prediction.p_happy, prediction.p_sad, prediction.p_surprise,
    prediction.p_fear, prediction.p_disgust, prediction.p_anger, prediction.p_contempt,
    prediction.valence, prediction.arousal
FROM (
    SELECT inbox_file.image_id
    FROM inbox_file
    WHERE inbox_file.batch_id = ANY (cast(:batch_ids AS bigint[]))
      AND inbox_file.image_id IS NOT NULL
    GROUP BY inbox_file.image_id
    ORDER BY hashint8(inbox_file.image_id), inbox_file.image_id
    LIMIT :limit
) AS delivered
JOIN prediction
    ON prediction.image_id = delivered.image_id
   AND prediction.model_version_id = :model_version_id
