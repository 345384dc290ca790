SELECT class, days, changed_by, changed_at FROM retention_policy ORDER BY class
