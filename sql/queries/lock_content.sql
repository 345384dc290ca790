-- The image row of a content and what holds it; nobody can refer to it any more until we are done.
SELECT image.id, standing_hold(image.id) AS hold
FROM image WHERE image.sha256 = :sha256
FOR UPDATE OF image
