-- Every source that somebody recorded, or that a batch looked into.
SELECT source, purpose, basis, basis_note, recorded_by, recorded_at FROM source_use ORDER BY source
