-- Right after a run was registered the planner believes that it has one prediction, and walks an
-- index a hundred thousand times where a hash join takes a tenth.
SELECT set_config('enable_nestloop', 'off', true)
