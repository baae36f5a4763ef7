-- name: index_state
-- One row where the relation is an index. A concurrent build makes it first not valid; DROP INDEX CONCURRENTLY makes it not
-- live. `table` is quoted and qualified.
SELECT i.indisvalid AS valid, i.indislive AS live, pg_catalog.format('%%I.%%I', n.nspname, t.relname) AS table,
       pg_catalog.pg_get_indexdef(i.indexrelid) AS definition
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE i.indexrelid = pg_catalog.to_regclass(%(index)s)

-- name: indexes_of
-- The indexes of a table and of its TOAST table, or of the table of an index, which are not valid.
WITH subject AS (SELECT coalesce((SELECT i.indrelid FROM pg_catalog.pg_index i WHERE i.indexrelid = r.oid), r.oid) AS oid
                 FROM (SELECT pg_catalog.to_regclass(%(subject)s)::oid AS oid) r)
SELECT pg_catalog.format('%%I.%%I', n.nspname, x.relname) AS name, x.relname AS short
FROM subject s JOIN pg_catalog.pg_class t ON t.oid = s.oid
JOIN pg_catalog.pg_index i ON i.indrelid IN (t.oid, t.reltoastrelid)
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
WHERE NOT i.indisvalid AND x.relkind = 'i'
ORDER BY 1

-- name: build_progress
SELECT phase, nullif(current_locker_pid, 0) AS locker, lockers_done, lockers_total, blocks_done, blocks_total,
       tuples_done, tuples_total
FROM pg_catalog.pg_stat_progress_create_index WHERE pid = %(pid)s
