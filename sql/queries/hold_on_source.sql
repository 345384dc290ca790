SELECT min(id) FROM legal_hold
WHERE lifted_at IS NULL AND kind = 'source' AND source = :source
