-- Every foreign key, with what it says about numbers: whether a row must name one of the other
-- table, and whether two rows may name the same one.
SELECT
    referring.relname                   AS relation,
    referred.relname                    AS target,
    columns.names                       AS columns,
    columns.are_required                AS is_required,
    EXISTS (
        SELECT FROM pg_index
        WHERE pg_index.indrelid = reference.conrelid
          AND pg_index.indisunique
          AND pg_index.indpred IS NULL
          AND pg_index.indexprs IS NULL
          AND cast(pg_index.indkey AS smallint[]) <@ reference.conkey
    )                                   AS is_unique
FROM pg_constraint AS reference
JOIN pg_class AS referring ON referring.oid = reference.conrelid
JOIN pg_class AS referred ON referred.oid = reference.confrelid
CROSS JOIN LATERAL (
    SELECT
        array_agg(cast(attribute.attname AS text) ORDER BY place.position) AS names,
        bool_and(attribute.attnotnull)                                     AS are_required
    FROM unnest(reference.conkey) WITH ORDINALITY AS place (number, position)
    JOIN pg_attribute AS attribute
        ON attribute.attrelid = reference.conrelid AND attribute.attnum = place.number
) AS columns
WHERE reference.contype = 'f'
  AND referring.relnamespace = to_regnamespace('public')
ORDER BY referring.relname COLLATE "C", columns.names, referred.relname
