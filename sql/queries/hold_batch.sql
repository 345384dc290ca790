-- While this connection lives nobody else closes the batch or takes files over from it. By its key,
-- so that it holds before there is a batch.
SELECT pg_advisory_lock_shared(hashtextextended(:run_key, 7203114903))
