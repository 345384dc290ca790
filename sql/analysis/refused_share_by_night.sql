-- Is a sender's quality slipping? The share of refused files, night by night.
-- Nights without a file have no share.
SELECT batch, opened_at, count_found, count_rejected,
       round(count_rejected / nullif(count_found, 0)::numeric, 4) AS refused_share
FROM batch_summary
ORDER BY opened_at;
