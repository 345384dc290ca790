CREATE VIEW champion_history AS
SELECT
    change.changed_at,
    change.alias,
    change.kind         AS change,
    earlier.name        AS from_model,
    later.name          AS to_model,
    change.changed_by,
    change.reason,
    gate.is_passed      AS is_gate_passed,
    lead(change.changed_at) OVER (PARTITION BY change.alias ORDER BY change.id) AS until
FROM model_alias_change AS change
LEFT JOIN model_version AS earlier ON earlier.id = change.from_id
LEFT JOIN model_version AS later ON later.id = change.to_id
LEFT JOIN promotion_gate AS gate ON gate.id = change.gate_id;

COMMENT ON VIEW champion_history IS 'One row per change of champion or challenger: who, when, why, from what, to what.';
COMMENT ON COLUMN champion_history.changed_at IS 'When the change was made.';
COMMENT ON COLUMN champion_history.alias IS 'champion or challenger.';
COMMENT ON COLUMN champion_history.change IS 'promotion through the gate; override past it; rollback to the one before; challenge and withdrawal of a challenger; ungated before there was a gate.';
COMMENT ON COLUMN champion_history.from_model IS 'The model before; NULL when there was none.';
COMMENT ON COLUMN champion_history.to_model IS 'The model from then on; NULL when a challenger was withdrawn.';
COMMENT ON COLUMN champion_history.changed_by IS 'The person who decided.';
COMMENT ON COLUMN champion_history.reason IS 'Why, in that person''s words.';
COMMENT ON COLUMN champion_history.is_gate_passed IS 'Whether the model passed the gate; NULL for changes that rest on no gate.';
COMMENT ON COLUMN champion_history.until IS 'When the next change of the same alias was made; NULL for the present one.';
