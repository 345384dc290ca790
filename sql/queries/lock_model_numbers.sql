-- Two registrations of one network must not take the same number; held until commit.
SELECT pg_advisory_xact_lock(hashtext('model_version'), hashtext(:network))
