SELECT source, purpose, basis, basis_note, recorded_by, recorded_at FROM source_purpose
