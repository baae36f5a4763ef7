-- name: settings
SET statement_timeout = '2s';
SET lock_timeout = '300ms';
SET jit = off;

-- name: cancel
-- Only what still is the statement that was judged: between the look and this a session may have gone on to another one.
SELECT pg_catalog.pg_cancel_backend(a.pid) AS done FROM pg_catalog.pg_stat_activity a
WHERE a.pid = %(pid)s AND a.state = 'active' AND a.query_start::text = %(statement)s

-- name: end
SELECT pg_catalog.pg_terminate_backend(a.pid) AS done FROM pg_catalog.pg_stat_activity a
WHERE a.pid = %(pid)s AND a.query_start::text IS NOT DISTINCT FROM %(statement)s
  AND a.xact_start::text IS NOT DISTINCT FROM %(transaction)s

-- name: still_there
-- How many of the transactions are still open.
SELECT count(*)::integer FROM (
    SELECT a.pid::text || ' ' || a.xact_start::text AS id FROM pg_catalog.pg_stat_activity a WHERE a.xact_start IS NOT NULL
    UNION ALL SELECT 'gid ' || p.gid FROM pg_catalog.pg_prepared_xacts p) t
WHERE t.id = ANY (%(transactions)s::text[])

-- name: invalid_indexes
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname !~ '^pg_'
