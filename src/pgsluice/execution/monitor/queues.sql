-- name: queues
-- All that wait for locks in this database, and all that hold something on the objects for which anybody waits; pg_locks is read once,
-- and nothing else where nobody waits. pg_blocking_pids locks the whole lock table for a moment each time, so it is asked for each waiter that
-- wants a strong lock and for the first few of each queue (`place`); the others stand in the same queue. It names leaders for parallel
-- workers and 0 for a prepared transaction.
WITH lock AS MATERIALIZED (
    SELECT l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid, l.classid, l.objid, l.objsubid,
           l.virtualtransaction, l.pid, l.mode, l.granted, l.waitstart
    FROM pg_catalog.pg_locks l WHERE l.mode <> 'SIReadLock'),
waiting AS MATERIALIZED (
    SELECT w.*, w.mode ~ '^(Share|ShareRow|ShareUpdate|Access)?Exclusive|^ShareLock' AND w.locktype = 'relation' AS strong,
           pg_catalog.row_number() OVER (
               PARTITION BY w.locktype, w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid::text, w.classid, w.objid,
                            w.objsubid, w.mode ORDER BY w.waitstart, w.pid) AS place
    FROM lock w WHERE NOT w.granted AND w.pid IS NOT NULL),
asked AS MATERIALIZED (
    SELECT a.pid, pg_catalog.pg_blocking_pids(a.pid) AS blockers
    FROM (SELECT pid FROM waiting WHERE strong OR place <= 2 ORDER BY place, waitstart LIMIT 60) a),
needed AS MATERIALIZED (
    SELECT l.* FROM lock l
    WHERE EXISTS (SELECT FROM waiting)
      AND (NOT l.granted
           OR l.locktype = 'relation' AND l.relation IN (SELECT x.relation FROM waiting x WHERE x.locktype = 'relation')
           OR l.locktype = 'transactionid' AND (l.pid IS NULL OR l.transactionid::text IN (
               SELECT x.transactionid::text FROM waiting x WHERE x.locktype = 'transactionid'))
           OR l.locktype = 'virtualxid' AND l.virtualxid IN (SELECT x.virtualxid FROM waiting x WHERE x.locktype = 'virtualxid')
           OR l.locktype = 'tuple' AND (l.pid IN (SELECT x.pid FROM waiting x)
                                        OR l.relation IN (SELECT x.relation FROM waiting x WHERE x.locktype = 'tuple'))
           OR l.locktype = 'advisory' AND l.objid IN (SELECT x.objid FROM waiting x WHERE x.locktype = 'advisory'))
    LIMIT 3000),
named AS MATERIALIZED (
    -- `old`: an autovacuum on it is one against wraparound, for roles from which its query is hidden
    SELECT d.relation, f.name, f.old
    FROM (SELECT DISTINCT x.relation FROM needed x
          WHERE x.database IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))) d
    CROSS JOIN LATERAL (
        SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name,
               c.relfrozenxid <> '0' AND pg_catalog.age(c.relfrozenxid) > least(
                   pg_catalog.current_setting('autovacuum_freeze_max_age')::bigint,
                   (SELECT o.option_value::bigint FROM pg_catalog.pg_options_to_table(c.reloptions) o
                    WHERE o.option_name = 'autovacuum_freeze_max_age'))
               OR c.relminmxid <> '0' AND pg_catalog.mxid_age(c.relminmxid) > least(
                   pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::bigint,
                   (SELECT o.option_value::bigint FROM pg_catalog.pg_options_to_table(c.reloptions) o
                    WHERE o.option_name = 'autovacuum_multixact_freeze_max_age')) AS old
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = d.relation OFFSET 0) f)
SELECT l.pid, l.locktype, l.mode, l.granted, l.virtualtransaction, l.page, l.tuple, l.virtualxid, l.transactionid::text AS transactionid,
       l.classid::bigint, l.objid::bigint, l.objsubid, l.database::bigint, l.relation::bigint, k.name, k.old,
       -- one clock for all, so that who came first also has waited longest
       extract(epoch FROM (SELECT pg_catalog.clock_timestamp()) - l.waitstart)::float8 AS waited_s, a.blockers
FROM needed l
LEFT JOIN asked a ON NOT l.granted AND a.pid = l.pid
LEFT JOIN named k ON k.relation = l.relation

-- name: backends
-- The sessions of these pids, the leaders of those that are workers, and the workers of those that lead.
WITH a AS MATERIALIZED (SELECT s.* FROM pg_catalog.pg_stat_activity s),
named AS MATERIALIZED (
    SELECT unnest(%(pids)s::integer[]) AS pid
    UNION SELECT a.leader_pid FROM a WHERE a.pid = ANY (%(pids)s::integer[]) AND a.leader_pid IS NOT NULL)
SELECT a.pid, a.leader_pid, a.datname, a.usename AS "user", nullif(a.application_name, '') AS application,
       pg_catalog.host(a.client_addr) AS client, a.client_port, a.state, nullif(a.query, '<insufficient privilege>') AS query,
       a.backend_type AS kind, nullif(pg_catalog.concat_ws(': ', a.wait_event_type, a.wait_event), '') AS waits_on,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8 AS age_s,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8 AS state_s,
       a.xact_start::text AS transaction_began, a.query_start::text AS statement_began,
       coalesce(a.backend_type = 'autovacuum worker', a.usesysid IS NULL) AS autovacuum,
       coalesce(a.query LIKE '%%(to prevent wraparound)', false) AS wraparound
FROM a WHERE a.pid IN (SELECT n.pid FROM named n) OR a.leader_pid IN (SELECT n.pid FROM named n)

-- name: prepared
SELECT p.transaction::text AS transaction, p.gid, p.owner AS "user",
       extract(epoch FROM pg_catalog.clock_timestamp() - p.prepared)::float8 AS age_s
FROM pg_catalog.pg_prepared_xacts p
