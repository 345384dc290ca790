UPDATE retention_policy SET days = :days, changed_by = :changed_by, changed_at = now()
WHERE class = :class_
