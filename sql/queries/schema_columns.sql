-- Every column of every table and view, in the order of declaration.
SELECT
    relation.relname                                       AS relation,
    relation.relkind IN ('v', 'm')                         AS is_view,
    obj_description(relation.oid, 'pg_class')              AS relation_comment,
    attribute.attname                                      AS name,
    format_type(attribute.atttypid, attribute.atttypmod)   AS type,
    attribute.attnotnull                                   AS is_required,
    coalesce(attribute.attnum = ANY (primary_key.conkey), false) AS is_key,
    col_description(relation.oid, attribute.attnum)        AS comment,
    (
        SELECT max(cast(referred.relname AS text))
        FROM pg_constraint AS reference
        JOIN pg_class AS referred ON referred.oid = reference.confrelid
        WHERE reference.contype = 'f' AND reference.conrelid = relation.oid
          AND attribute.attnum = ANY (reference.conkey)
    )                                                      AS target
FROM pg_class AS relation
JOIN pg_attribute AS attribute
    ON attribute.attrelid = relation.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped
LEFT JOIN pg_constraint AS primary_key
    ON primary_key.conrelid = relation.oid AND primary_key.contype = 'p'
WHERE relation.relnamespace = to_regnamespace('public')
  AND relation.relkind IN ('r', 'p', 'v', 'm')
ORDER BY relation.relname COLLATE "C", attribute.attnum
