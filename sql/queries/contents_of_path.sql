-- Every content that was ever delivered under this name; NULL for what could not be read.
SELECT DISTINCT image.sha256
FROM inbox_file
LEFT JOIN image ON image.id = inbox_file.image_id
WHERE inbox_file.source = :source AND inbox_file.path = :path
