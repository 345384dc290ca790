SELECT group_key, networks, preset, folds, repeats, seed, note
FROM experiment WHERE group_key = :group_key
