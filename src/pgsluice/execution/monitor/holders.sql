-- name: conflicting_holders
-- Who holds one of `modes` (a comma-separated list for each of `names`, quoted and qualified). pg_locks shows fast-path
-- locks too. A prepared transaction has no pid; its gid is found by the lock on its own transaction id, which it holds under
-- the same virtual transaction. What the server hides from our role is null: then only an autovacuum worker has no user, and
-- whether it runs against wraparound follows from the table's age.
WITH target AS MATERIALIZED (
    SELECT pg_catalog.to_regclass(t.name)::oid AS oid, t.name, pg_catalog.string_to_array(t.modes, ',') AS modes
    FROM unnest(%(names)s::text[], %(modes)s::text[]) AS t (name, modes)),
lock AS MATERIALIZED (
    SELECT l.locktype, l.database, l.relation, l.transactionid, l.virtualtransaction, l.pid, l.mode
    FROM pg_catalog.pg_locks l WHERE l.granted AND l.locktype IN ('relation', 'transactionid')),
held AS (
    SELECT l.pid, l.virtualtransaction, l.mode, t.name, t.oid
    FROM target t JOIN lock l ON l.relation = t.oid AND l.locktype = 'relation' AND l.mode = ANY (t.modes)
    WHERE l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
      AND NOT coalesce(l.pid = ANY (%(ours)s::integer[]), false))
SELECT h.pid, h.virtualtransaction AS transaction, h.name AS relation, h.mode, a.usename AS "user",
       nullif(a.application_name, '') AS application, a.state, a.query, p.gid,
       extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8 AS age_s,
       CASE WHEN a.state LIKE 'idle in transaction%%'
            THEN extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8 END AS idle_s,
       coalesce(a.autovacuum, false) AS autovacuum,
       coalesce(a.autovacuum, false) AND coalesce(a.query LIKE '%%(to prevent wraparound)', w.old, false) AS wraparound
FROM held h
LEFT JOIN LATERAL (
    SELECT s.usename, s.application_name, s.state, s.state_change, s.xact_start,
           nullif(s.query, '<insufficient privilege>') AS query,
           coalesce(s.backend_type = 'autovacuum worker', s.usesysid IS NULL) AS autovacuum
    FROM pg_catalog.pg_stat_activity s WHERE s.pid = h.pid) a ON true
LEFT JOIN LATERAL (
    SELECT x.gid, x.prepared
    FROM lock own JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = own.transactionid
    WHERE h.pid IS NULL AND own.locktype = 'transactionid' AND own.pid IS NULL
      AND own.virtualtransaction = h.virtualtransaction) p ON true
LEFT JOIN LATERAL (
    SELECT pg_catalog.age(c.relfrozenxid) > least(
               pg_catalog.current_setting('autovacuum_freeze_max_age')::bigint,
               (SELECT o.option_value::bigint FROM pg_catalog.pg_options_to_table(c.reloptions) o
                WHERE o.option_name = 'autovacuum_freeze_max_age'))
           OR pg_catalog.mxid_age(c.relminmxid) > least(
               pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::bigint,
               (SELECT o.option_value::bigint FROM pg_catalog.pg_options_to_table(c.reloptions) o
                WHERE o.option_name = 'autovacuum_multixact_freeze_max_age')) AS old
    FROM pg_catalog.pg_class c WHERE a.autovacuum AND c.oid = h.oid) w ON true

-- name: end_idle
-- Ends a session only if, at this moment, it still is idle in transaction for so long.
SELECT pg_catalog.pg_terminate_backend(a.pid) AS ended
FROM pg_catalog.pg_stat_activity a
WHERE a.pid = %(pid)s AND a.state LIKE 'idle in transaction%%'
  AND a.state_change < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => %(idle_s)s)
