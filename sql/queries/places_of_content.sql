-- Also where retention has removed it: a restored inbox may have brought it back.
SELECT DISTINCT source, path FROM inbox_file
WHERE image_id = :image_id
ORDER BY source, path
