-- name: waiters_on
-- Application sessions that wait behind %(pid)s: for relation locks in the modes that queries take, or for row locks.
-- pg_blocking_pids counts those ahead in the queue, too. Sessions that wait for our snapshot or with DDL of their own
-- are not the application.
SELECT w.pid, extract(epoch FROM pg_catalog.clock_timestamp() - w.waitstart)::float8 AS waited_s,
       CASE w.locktype WHEN 'relation' THEN w.relation::pg_catalog.regclass::text ELSE 'a row' END AS what
FROM pg_catalog.pg_locks w
WHERE NOT w.granted AND w.waitstart IS NOT NULL AND w.pid <> ALL (%(ours)s::integer[])
  AND (w.locktype = 'relation' AND w.mode IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
       OR w.locktype IN ('transactionid', 'tuple', 'spectoken'))
  AND %(pid)s = ANY (pg_catalog.pg_blocking_pids(w.pid))
ORDER BY w.waitstart

-- name: blockers_of
-- Whom %(pid)s waits for, right now. pg_blocking_pids gives 0 for a prepared transaction: its gid is found by what it holds.
WITH lock AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks),
wanted AS (SELECT * FROM lock WHERE pid = %(pid)s AND NOT granted),
blocking AS (SELECT DISTINCT unnest(pg_catalog.pg_blocking_pids(%(pid)s)) AS pid FROM wanted),
held AS (
    SELECT b.pid, w.locktype, w.relation, h.mode, h.virtualtransaction, w.transactionid
    FROM blocking b CROSS JOIN wanted w
    LEFT JOIN LATERAL (
        SELECT l.mode, l.virtualtransaction FROM lock l
        WHERE l.pid IS NOT DISTINCT FROM nullif(b.pid, 0) AND l.locktype = w.locktype
          AND (l.database, l.relation, l.transactionid, l.virtualxid)
              IS NOT DISTINCT FROM (w.database, w.relation, w.transactionid, w.virtualxid)
          AND l.mode <> 'SIReadLock'
        ORDER BY l.granted DESC LIMIT 1) h ON true)
SELECT nullif(h.pid, 0) AS pid, coalesce(h.virtualtransaction, '') AS transaction,
       CASE h.locktype WHEN 'relation' THEN h.relation::pg_catalog.regclass::text ELSE '' END AS relation,
       CASE h.locktype WHEN 'relation' THEN h.mode END AS mode,
       a.usename AS "user", nullif(a.application_name, '') AS application, a.state,
       nullif(a.query, '<insufficient privilege>') AS query, p.gid,
       extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8 AS age_s,
       NULL::float8 AS idle_s,
       h.pid <> 0 AND coalesce(a.backend_type = 'autovacuum worker', a.usesysid IS NULL) AS autovacuum,
       coalesce(a.query LIKE '%%(to prevent wraparound)', false) AS wraparound
FROM held h
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = h.pid
LEFT JOIN LATERAL (
    SELECT x.gid, x.prepared FROM pg_catalog.pg_prepared_xacts x
    WHERE h.pid = 0 AND (x.transaction = h.transactionid OR x.transaction IN (
        SELECT own.transactionid FROM lock own
        WHERE own.locktype = 'transactionid' AND own.pid IS NULL AND own.virtualtransaction = h.virtualtransaction))) p ON true

-- name: activity_of
SELECT pid, ''::text AS transaction, ''::text AS relation, NULL::text AS mode, usename AS "user",
       nullif(application_name, '') AS application, state, nullif(query, '<insufficient privilege>') AS query,
       NULL::text AS gid, extract(epoch FROM pg_catalog.clock_timestamp() - xact_start)::float8 AS age_s, NULL::float8 AS idle_s,
       coalesce(backend_type = 'autovacuum worker', usesysid IS NULL) AS autovacuum,
       coalesce(query LIKE '%%(to prevent wraparound)', false) AS wraparound
FROM pg_catalog.pg_stat_activity WHERE pid = ANY (%(pids)s::integer[])

-- name: cancel
SELECT pg_catalog.pg_cancel_backend(%(pid)s)

-- name: end_backend
SELECT pg_catalog.pg_terminate_backend(%(pid)s)

-- name: deadlock_timeout_ms
SELECT setting::integer FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'

-- name: lockable
-- The tables among the names, or those to which the indexes among them belong, on which our role may take SHARE UPDATE
-- EXCLUSIVE by LOCK TABLE; in the given order.
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname) AS name, min(t.place) AS place
FROM unnest(%(names)s::text[]) WITH ORDINALITY AS t (name, place)
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = pg_catalog.to_regclass(t.name)
JOIN pg_catalog.pg_class c ON c.oid = coalesce(i.indrelid, pg_catalog.to_regclass(t.name))
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')
GROUP BY 1 ORDER BY place
