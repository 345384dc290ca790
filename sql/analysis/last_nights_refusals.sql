-- What was refused last night, why, and what is to be done about it?
SELECT reason, count_files, meaning, advice
FROM refused_image_by_reason
WHERE batch = (SELECT batch FROM batch_summary ORDER BY opened_at DESC LIMIT 1)
ORDER BY count_files DESC, reason;
