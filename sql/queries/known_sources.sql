SELECT DISTINCT source FROM batch ORDER BY source
