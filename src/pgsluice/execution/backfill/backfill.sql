-- name: heaps
-- The tables that rows of %(table)s are stored in: itself, its partitions, its inheritance children. `indexed`: an index has one
-- of %(columns)s as a key, in an expression or in its condition, so that no update of it can be HOT.
WITH RECURSIVE family AS (
    SELECT pg_catalog.to_regclass(%(table)s)::oid AS oid
    UNION
    SELECT i.inhrelid FROM family f JOIN pg_catalog.pg_inherits i ON i.inhparent = f.oid
    WHERE NOT %(only)s::boolean)
SELECT c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name,
       c.relkind::text AS kind, pg_catalog.pg_relation_filenode(c.oid) AS filenode,
       pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint AS blocks,
       pg_catalog.current_setting('block_size')::bigint AS block_size,
       (SELECT pg_catalog.quote_ident(r.relname) FROM pg_catalog.pg_class r WHERE r.oid = pg_catalog.to_regclass(%(table)s)::oid) AS alias,
       CASE WHEN c.reltuples > 0 AND c.relpages > 0 THEN c.reltuples / c.relpages ELSE 0 END::float8 AS rows_per_page,
       EXISTS (
           SELECT FROM pg_catalog.pg_index x
           JOIN pg_catalog.pg_class xc ON xc.oid = x.indexrelid
           JOIN pg_catalog.pg_am am ON am.oid = xc.relam AND am.amname <> 'brin'
           JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = x.indexrelid
                AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid
           JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
           WHERE x.indrelid = c.oid AND a.attname = ANY (%(columns)s::name[])) AS indexed
FROM family f
JOIN pg_catalog.pg_class c ON c.oid = f.oid AND c.relkind <> 'p'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
ORDER BY c.oid;

-- name: exists
SELECT pg_catalog.to_regclass(%(table)s) IS NOT NULL AS exists

-- name: oldest_snapshot
SELECT max(extract(epoch FROM pg_catalog.clock_timestamp() - xact_start))::float8
FROM pg_catalog.pg_stat_activity
WHERE backend_xmin IS NOT NULL AND pid <> pg_catalog.pg_backend_pid() AND datname = pg_catalog.current_database()

-- name: key_types
SELECT a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = pg_catalog.to_regclass(%(table)s) AND a.attname = ANY (%(columns)s::name[]) AND NOT a.attisdropped

-- name: firing_triggers
-- What acts on each row, or each statement, that our session changes in %(tables)s or inserts into %(into)s and its
-- partitions; `event` is a bit of tgtype.
SELECT t.tgname AS name, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS table
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE (t.tgrelid = ANY (%(tables)s::oid[]) OR t.tgrelid = pg_catalog.to_regclass(%(into)s)
       OR t.tgrelid IN (SELECT p.relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(%(into)s)) p))
  AND NOT t.tgisinternal AND t.tgenabled <> 'D'
  AND (t.tgtype & %(event)s::integer) <> 0
  AND (t.tgenabled = 'A' OR (t.tgenabled = 'R') = (pg_catalog.current_setting('session_replication_role') = 'replica'))
ORDER BY 1, 2
