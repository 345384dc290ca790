UPDATE rescoring SET closed_at = coalesce(closed_at, now()) WHERE id = :id
