SELECT image.sha256
FROM subject_image
JOIN image ON image.id = subject_image.image_id
WHERE subject_image.subject_hmac = :subject_hmac
ORDER BY image.id
