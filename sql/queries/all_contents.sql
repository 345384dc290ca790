-- In order of their numbers, a stretch at a time.
SELECT id, sha256 FROM image WHERE id > :after ORDER BY id LIMIT :limit
