UPDATE inbox_file SET removed_at = now()
WHERE id = ANY (cast(:ids AS bigint[])) AND removed_at IS NULL
