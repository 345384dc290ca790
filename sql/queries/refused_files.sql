SELECT source, file, reason, meaning, detail, advice, retried_in FROM refused_file
WHERE batch = :run_key
ORDER BY file
