-- Who made which model the champion, when and why?
SELECT changed_at, change, from_model, to_model, changed_by, reason
FROM champion_history
WHERE alias = 'champion'
ORDER BY changed_at DESC;
