-- For this transaction. A chunk is looked up row by row, never by reading a whole table: the planner
-- may know nothing yet of a million rows that came a second ago, and guesses.
-- A worker that freezes between two statements must not hold its locks for ever.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('idle_in_transaction_session_timeout', :idle_limit, true)
