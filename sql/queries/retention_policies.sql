SELECT class AS class_, days, changed_by, changed_at FROM retention_policy ORDER BY class
