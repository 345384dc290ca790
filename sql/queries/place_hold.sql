INSERT INTO legal_hold (kind, content, subject_hmac, source, dataset_id, reason, placed_by)
VALUES (:kind, :content, :subject_hmac, :source,
        (SELECT max(id) FROM dataset WHERE name = :dataset), :reason, :placed_by)
RETURNING id
