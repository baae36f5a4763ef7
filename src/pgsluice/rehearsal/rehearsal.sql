-- name: activity
SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::bigint AS written,
       (SELECT count(*) FROM pg_catalog.pg_stat_activity a
        WHERE a.datname = pg_catalog.current_database() AND a.wait_event_type = 'Lock' AND a.application_name = 'pgsluice load') AS waiters;

-- name: database_size
SELECT pg_catalog.pg_database_size(pg_catalog.current_database());

-- name: own_locks
-- On tables, as this session holds them: also those that the transaction itself has made.
SELECT n.nspname AS schema, c.relname AS name, l.mode
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'm', 'v', 'f')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND n.nspname !~ '^pg_'
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
ORDER BY n.nspname, c.relname, l.mode;
