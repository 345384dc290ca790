-- A subject is known by its HMAC alone, so that nothing more can be said of it.
SELECT
    legal_hold.id, legal_hold.kind,
    CASE legal_hold.kind
        WHEN 'content' THEN encode(legal_hold.content, 'hex')
        WHEN 'source' THEN legal_hold.source
        WHEN 'dataset' THEN dataset.name
        ELSE 'a subject'
    END AS what,
    legal_hold.reason, legal_hold.placed_by, legal_hold.placed_at, legal_hold.lifted_by,
    legal_hold.lifted_at
FROM legal_hold
LEFT JOIN dataset ON dataset.id = legal_hold.dataset_id
ORDER BY legal_hold.lifted_at IS NOT NULL, legal_hold.id DESC
