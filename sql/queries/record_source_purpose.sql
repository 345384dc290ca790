WITH kept AS (
    INSERT INTO source_purpose_change (source, purpose, basis, basis_note, recorded_by)
    VALUES (:source, :purpose, :basis, :basis_note, :recorded_by)
)
INSERT INTO source_purpose (source, purpose, basis, basis_note, recorded_by)
VALUES (:source, :purpose, :basis, :basis_note, :recorded_by)
ON CONFLICT (source) DO UPDATE SET
    purpose = excluded.purpose, basis = excluded.basis, basis_note = excluded.basis_note,
    recorded_by = excluded.recorded_by, recorded_at = now()
