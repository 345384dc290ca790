-- Which subjects the images of a delivery show, by the HMAC of the sender's key for them.
INSERT INTO subject_image (subject_hmac, image_id)
SELECT DISTINCT told.subject_hmac, image.id
FROM unnest(cast(:subject_hmacs AS bytea[]), cast(:contents AS bytea[]))
    AS told (subject_hmac, sha256)
JOIN image ON image.sha256 = told.sha256
ON CONFLICT (subject_hmac, image_id) DO NOTHING
