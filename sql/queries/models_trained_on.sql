SELECT DISTINCT model_version.name
FROM split_member
JOIN training_run ON training_run.split_id = split_member.split_id
JOIN model_version ON model_version.run_id = training_run.id
WHERE split_member.image_id = :image_id AND split_member.part = 'train'
ORDER BY model_version.name
