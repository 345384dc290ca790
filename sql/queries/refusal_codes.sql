SELECT code FROM rejection_reason
UNION SELECT 'quarantined'
ORDER BY code
