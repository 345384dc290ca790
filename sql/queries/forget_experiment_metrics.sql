-- A network whose trainings can no longer be compared has no metrics.
DELETE FROM experiment_metric WHERE group_key = :group_key AND network <> ALL (:networks)
