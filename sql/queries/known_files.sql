-- Which of these deliveries (path, size, time) the ledger already holds.
SELECT known.path, known.bytes, known.modified_ns
FROM inbox_file AS known
JOIN unnest(cast(:paths AS bytea[]), cast(:bytes AS bigint[]), cast(:modified_ns AS bigint[]))
    AS asked (path, bytes, modified_ns)
    ON known.path = asked.path AND known.bytes = asked.bytes
   AND known.modified_ns = asked.modified_ns
WHERE known.source = :source
