-- Which epoch of a run was kept, and what is odd about the labels it was trained on.

ALTER TABLE training_run
    ADD COLUMN kept_epoch integer;
COMMENT ON COLUMN training_run.kept_epoch IS 'The epoch whose weights the model has: the last one, or the best one where the recipe says keep: best; NULL while the run goes on.';
COMMENT ON COLUMN training_run.best_epoch IS 'The epoch that scored best on the validation images, kept or not.';

-- Until now every run kept its best epoch, and no recipe said so.
UPDATE training_run SET
    kept_epoch = best_epoch,
    recipe = recipe || '{"keep": "best"}'
WHERE NOT recipe ? 'keep';

COMMENT ON TABLE validation_prediction IS 'One row per run and validation sample: what the kept epoch''s weights said of it. NaN fails the range checks, since PostgreSQL sorts it above every number.';

ALTER TABLE training_run
    ADD COLUMN label_warnings text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN training_run.label_warnings IS 'What the labels of its data set speak against, e.g. valence and arousal that fit another order of the expressions; as found when the run was begun.';
