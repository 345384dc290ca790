-- How much of what a hold names is here, now that it was placed.
SELECT CASE hold.kind
    WHEN 'content' THEN (SELECT count(*) FROM image WHERE sha256 = hold.content)
    WHEN 'subject' THEN (
        SELECT count(*) FROM subject_image WHERE subject_hmac = hold.subject_hmac)
    WHEN 'source' THEN (SELECT count(*) FROM inbox_file WHERE source = hold.source)
    ELSE (SELECT count(*) FROM label WHERE dataset_id = hold.dataset_id)
END
FROM legal_hold AS hold
WHERE hold.id = :id
