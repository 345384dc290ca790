-- Shared by all who enter content; whoever erases waits for them, and they for him. What is entered
-- after this sees every tombstone.
SELECT pg_advisory_xact_lock_shared(7203114902)
