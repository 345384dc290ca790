SELECT source, file, reason, meaning, detail, advice FROM refused_file
WHERE batch = :run_key
ORDER BY file
