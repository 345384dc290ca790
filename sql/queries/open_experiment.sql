-- A retry finds its own row, and the form of a run never changes.
INSERT INTO experiment (group_key, dataset_id, networks, preset, folds, repeats, seed, note)
SELECT :group_key, split.dataset_id, :networks, :preset, :folds, :repeats, :seed, :note
FROM split WHERE split.id = :split_id
ON CONFLICT (group_key) DO UPDATE SET note = excluded.note
