-- Compare-and-set: two workers of one rescoring cannot count the same images twice.
UPDATE rescoring SET
    last_image_id = :last,
    count_seen = count_seen + :count_seen,
    count_planned = count_planned + :count_planned
WHERE id = :id AND last_image_id = :after
