-- Until this transaction ends nobody enters content.
SELECT pg_advisory_xact_lock(7203114902)
