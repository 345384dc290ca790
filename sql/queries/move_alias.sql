-- Compare-and-set with its record; the database checks what each kind of change asks for.
SELECT move_alias(:alias, :from_id, :to_id, :kind, :gate_id, :undoes_id, :reason, :changed_by)
