SELECT model, count_waiting, count_in_work, count_abandoned, waiting_since
FROM scoring_backlog
ORDER BY waiting_since
