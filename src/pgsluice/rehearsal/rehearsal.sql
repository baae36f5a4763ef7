-- name: activity
SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::bigint AS written,
       (SELECT count(*) FROM pg_catalog.pg_stat_activity a
        WHERE a.datname = pg_catalog.current_database() AND a.wait_event_type = 'Lock' AND a.application_name = 'pgsluice load') AS waiters;

-- name: database_size
SELECT pg_catalog.pg_database_size(pg_catalog.current_database());

-- name: relations
-- What can be locked and asked: tables, views, sequences.
SELECT c.oid, n.nspname AS schema, c.relname AS name
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';

-- name: own_locks
-- As this session holds them: also those on what the transaction itself has made, renamed or dropped.
SELECT l.relation AS oid, l.mode
FROM pg_catalog.pg_locks l
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database());

-- name: not_valid
-- Constraints of tables that VALIDATE CONSTRAINT would check; a row of pg_constraint has no column `conenforced` before 18.
SELECT n.nspname AS schema, c.relname AS name, k.conname AS constraint
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT k.convalidated AND k.coninhcount = 0 AND coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::pg_catalog.bool, true)
  AND n.nspname !~ '^pg_'
ORDER BY 1, 2, 3;
