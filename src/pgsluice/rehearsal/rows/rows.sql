-- name: tables
-- Tables that hold rows of their own: leaves of partitioned tables, no parents of them, nothing of an extension.
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relispartition AS is_partition,
       CASE WHEN c.relispartition THEN pg_catalog.pg_get_partition_constraintdef(c.oid) END AS bounds,
       ARRAY(SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)::oid[] AS parents
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgsluice')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname;

-- name: leaves
SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relkind = 'r' AND c.oid = ANY (%(tables)s::oid[]);

-- name: columns
SELECT a.attrelid AS relation, a.attnum AS number, a.attname AS name, a.atttypid AS type,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS spelled, a.attnotnull AS not_null, a.atthasdef AS has_default,
       CASE WHEN a.attgenerated <> '' THEN (SELECT pg_catalog.pg_get_expr(f.adbin, f.adrelid) FROM pg_catalog.pg_attrdef f
                                            WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum) END AS generated,
       coalesce(pg_catalog.pg_get_serial_sequence(a.attrelid::regclass::text, a.attname),
                (SELECT s.oid::regclass::text
                 FROM pg_catalog.pg_attrdef f
                 JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = f.oid
                   AND d.refclassid = 'pg_catalog.pg_class'::regclass
                 JOIN pg_catalog.pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
                 WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum LIMIT 1)) AS sequence
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = ANY (%(tables)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum;

-- name: types
SELECT t.oid, n.nspname AS schema, t.typname AS name, t.typtype::text AS kind, pg_catalog.format_type(t.oid, NULL) AS spelled,
       CASE WHEN t.typcategory = 'A' AND t.typlen = -1 THEN t.typelem ELSE 0 END AS element, t.typbasetype AS base,
       CASE WHEN t.typtype = 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END AS base_spelled,
       t.typnotnull AS not_null, t.typcategory::text AS category,
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS labels,
       coalesce((SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid), 0) AS subtype,
       coalesce((SELECT r.rngtypid FROM pg_catalog.pg_range r WHERE r.rngmultitypid = t.oid), 0) AS range,
       ARRAY(SELECT a.atttypid FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)::oid[] AS attributes,
       ARRAY(SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS attributes_spelled,
       ARRAY(SELECT pg_catalog.pg_get_expr(k.conbin, 0) FROM pg_catalog.pg_constraint k
             WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname) AS checks
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace;

-- name: keys
-- Unique and exclusion: the columns that each uses (those of its expressions too, those of INCLUDE not), and whether its check waits for the commit.
SELECT i.indrelid AS relation, c.relname AS name, NOT i.indimmediate AS deferred, 0 = ANY (i.indkey) AS of_expressions,
       ARRAY(SELECT DISTINCT d.refobjsubid FROM pg_catalog.pg_depend d
             WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
               AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0
               AND d.refobjsubid <> ALL (i.indkey[i.indnkeyatts:i.indnatts - 1]::int[])
             UNION SELECT k.n FROM unnest(i.indkey[0:i.indnkeyatts - 1]) AS k(n) WHERE k.n > 0)::int[] AS used,
       array_remove(i.indkey[0:i.indnkeyatts - 1]::int[], 0) AS plain
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY (%(tables)s::oid[]) AND (i.indisunique OR i.indisexclusion)
ORDER BY i.indrelid, i.indisprimary DESC, c.relname;

-- name: foreign_keys
-- Left out are the copies that a foreign key has for each partition that it references.
SELECT k.conrelid AS relation, k.conname AS name, k.conkey::int[] AS columns, k.confrelid AS target, k.confkey::int[] AS target_columns
FROM pg_catalog.pg_constraint k
LEFT JOIN pg_catalog.pg_constraint p ON p.oid = k.conparentid
WHERE k.contype = 'f' AND k.conrelid = ANY (%(tables)s::oid[]) AND p.conrelid IS DISTINCT FROM k.conrelid
ORDER BY k.conrelid, pg_catalog.cardinality(k.conkey) DESC, k.conname;

-- name: checks
SELECT k.conrelid AS relation, k.conname AS name, pg_catalog.pg_get_expr(k.conbin, k.conrelid) AS condition,
       coalesce(k.conkey, '{}')::int[] AS columns
FROM pg_catalog.pg_constraint k
WHERE k.contype = 'c' AND k.conrelid = ANY (%(tables)s::oid[])
ORDER BY k.conrelid, k.conname;

-- name: materialized_views
SELECT n.nspname AS schema, c.relname AS name
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgsluice') AND c.relispopulated
ORDER BY c.oid;

-- name: sizes
-- What the planner takes for the number of rows; tables that were never analysed are left out. A partitioned table has those of its leaves.
SELECT n.nspname AS schema, c.relname AS name, t.rows::bigint AS rows
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT CASE WHEN c.relkind <> 'p' THEN c.reltuples
                ELSE (SELECT sum(l.reltuples) FROM pg_catalog.pg_partition_tree(c.oid) p
                      JOIN pg_catalog.pg_class l ON l.oid = p.relid WHERE p.isleaf AND l.reltuples >= 0) END AS rows) t
WHERE c.relkind IN ('r', 'p', 'm') AND t.rows >= 0 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgsluice');

-- name: habits
-- Frequencies alone: the values that go with them are rows' own, and stay where they are.
SELECT s.schemaname AS schema, s.tablename AS name, s.attname AS column, s.null_frac::float8 AS null_share,
       s.n_distinct::float8 AS n_distinct, coalesce(s.most_common_freqs[1], 0)::float8 AS commonest
FROM pg_catalog.pg_stats s
WHERE NOT s.inherited AND (s.n_distinct <> 0 OR s.null_frac = 1) AND s.schemaname !~ '^pg_' AND s.schemaname NOT IN ('information_schema', 'pgsluice');
