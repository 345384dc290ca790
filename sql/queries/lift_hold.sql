UPDATE legal_hold SET lifted_by = :lifted_by, lifted_at = now()
WHERE id = :id AND lifted_at IS NULL
