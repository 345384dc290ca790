-- What benchmarks/generated_archive.py runs. Words in braces are its numbers and expressions.

-- name: small tables
INSERT INTO batch (id, run_key, source, model_version_id, opened_at, is_closed, closed_at,
                   count_found, count_done, count_rejected, count_quarantined)
OVERRIDING SYSTEM VALUE
SELECT n, 'night ' || n, '/inbox', CASE WHEN n <= 20 THEN {first} ELSE {second} END, opened,
       true, opened + interval '1 hour', {count} / {nights},
       {count} / {nights} - {count} / {nights} / 200, {count} / {nights} / 200, 0
FROM (SELECT n, timestamptz '2030-01-01 01:00+00' + n * interval '1 day' AS opened
      FROM generate_series(1, {nights}) AS n) AS night;
INSERT INTO model_alias (alias, model_version_id) VALUES ('champion', {second});
INSERT INTO model_alias_change (alias, from_id, to_id, reason, changed_by, kind)
VALUES ('champion', {first}, {second}, 'generated', 'benchmark', 'ungated');
INSERT INTO rejection (scoring_item_id, code, detail, rejected_at)
SELECT i, 'decode_error', 'generated', {scored}
FROM generate_series(1, {count}) AS i WHERE i % 200 = 17;

-- name: image
INSERT INTO image (id, sha256) OVERRIDING SYSTEM VALUE
SELECT 1000 + i, sha256(i::text::bytea) FROM generate_series(1, {count}) AS i;

-- name: inbox_file
INSERT INTO inbox_file (batch_id, source, path, bytes, modified_ns, image_id, found_at)
SELECT {night}, '/inbox', i::text::bytea, 10000, i, 1000 + i, {opened}
FROM generate_series(1, {count}) AS i
UNION ALL
SELECT least({night} + 1, {nights}), '/inbox', ('again ' || i)::bytea, 10000, i, 1000 + i,
       {opened}
FROM generate_series(1, {count}) AS i WHERE i % 200 = 0;

-- name: scoring_item
INSERT INTO scoring_item (id, image_id, model_version_id, state, planned_at, finished_at)
OVERRIDING SYSTEM VALUE
SELECT i, 1000 + i, {model}, CASE WHEN i % 200 = 17 THEN 'rejected' ELSE 'done' END,
       {opened}, {scored}
FROM generate_series(1, {count}) AS i
UNION ALL
SELECT {count} + i, 1000 + i, {second}, 'done', {opened}, {scored}
FROM generate_series(1, {count}) AS i WHERE {again}
UNION ALL
-- What the third model is to write by COPY.
SELECT 2 * {count}::bigint + i, 1000 + i, {third}, 'done', now(), now()
FROM generate_series(1, {count_copied}) AS i;

-- name: prediction
INSERT INTO prediction
SELECT 1000 + i, model, e, confidence, {probabilities},
       random() * 2 - 1, random() * 2 - 1, scored_at
FROM (
    SELECT i, {model} AS model, (random() * 7)::smallint AS e, 0.2 + 0.8 * random() AS confidence,
           {scored} AS scored_at
    FROM generate_series(1, {count}) AS i WHERE i % 200 <> 17
    UNION ALL
    SELECT i, {second}, (random() * 7)::smallint, 0.2 + 0.8 * random(), {scored}
    FROM generate_series(1, {count}) AS i WHERE {again}
    OFFSET 0
) AS drawn;

-- name: keys
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype = 'f'
FROM pg_constraint
WHERE contype IN ('p', 'u', 'f') AND connamespace = to_regnamespace('public')
  AND (conrelid::regclass::text = ANY (%(large)s) OR confrelid::regclass::text = ANY (%(large)s))
ORDER BY contype = 'f' DESC, contype

-- name: indexes
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index
WHERE indrelid::regclass::text = ANY (%(large)s)
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
