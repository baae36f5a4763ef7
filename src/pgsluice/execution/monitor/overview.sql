-- name: settings
-- A look must never become a part of the jam that it shows: a catalog may be locked, too (VACUUM FULL pg_class). Compiling costs more
-- than these queries.
SET statement_timeout = '2s';
SET lock_timeout = '300ms';
SET jit = off;

-- name: place
SELECT pg_catalog.current_database() AS database, current_user AS role, pg_catalog.current_setting('server_version') AS server_version,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all

-- name: activity
-- What pg_stat_activity is made of, read once, without its joins: the counts of this database's client sessions and the oldest snapshot of a session in every row, and the sessions
-- of `pids` with the leaders of those that are workers and the workers of those that lead. `long` are the oldest transactions of this database, with
-- their locks on relations. What the server hides from our role is null.
WITH a AS MATERIALIZED (
    SELECT s.datid, s.pid, s.leader_pid, s.usesysid, s.application_name, s.state, s.query, s.wait_event_type, s.wait_event, s.xact_start,
           s.query_start, s.state_change, s.client_addr, s.client_port, s.backend_xmin, s.backend_type,
           s.datid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AS here
    FROM pg_catalog.pg_stat_get_activity(NULL) s WHERE s.pid <> pg_catalog.pg_backend_pid()),
totals AS MATERIALIZED (
    SELECT count(*)::integer AS total, count(*) FILTER (WHERE a.state = 'active')::integer AS active,
           count(*) FILTER (WHERE a.state = 'idle')::integer AS idle,
           count(*) FILTER (WHERE a.state LIKE 'idle in transaction%%')::integer AS idle_in_transaction,
           count(*) FILTER (WHERE a.wait_event_type = 'Lock')::integer AS waiting_for_locks,
           extract(epoch FROM pg_catalog.clock_timestamp() - min(a.xact_start))::float8 AS longest_transaction_s
    FROM a WHERE a.here AND a.leader_pid IS NULL
      AND (a.backend_type = 'client backend' OR a.backend_type IS NULL AND a.usesysid IS NOT NULL)),
snapshot AS MATERIALIZED (
    SELECT a.pid AS oldest_pid, pg_catalog.age(a.backend_xmin) AS oldest_age FROM a
    WHERE a.backend_xmin IS NOT NULL AND (a.here OR a.datid IS NULL) AND a.backend_type <> 'walsender'
    ORDER BY pg_catalog.age(a.backend_xmin) DESC LIMIT 1),
old AS MATERIALIZED (
    SELECT a.pid FROM a
    WHERE a.here AND a.leader_pid IS NULL AND a.xact_start < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => %(older_s)s)
      AND a.backend_type <> 'walsender'
    ORDER BY a.xact_start LIMIT 30),
held AS MATERIALIZED (
    SELECT l.pid, pg_catalog.array_agg(
        l.mode || ' ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)) AS held
    FROM (SELECT k.pid, k.relation, k.mode FROM pg_catalog.pg_locks k
          WHERE k.granted AND k.locktype = 'relation' AND k.pid = ANY (ARRAY(SELECT o.pid FROM old o)) AND k.mode <> 'SIReadLock'
            AND k.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
            AND k.relation >= 16384  -- no system catalogs
          LIMIT 2000) l
    JOIN pg_catalog.pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'm', 'f', 'S')
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname <> 'pg_toast'
    WHERE EXISTS (SELECT FROM old) GROUP BY l.pid),
named AS MATERIALIZED (
    SELECT unnest(%(pids)s::integer[]) AS pid
    UNION SELECT a.leader_pid FROM a WHERE a.pid = ANY (%(pids)s::integer[]) AND a.leader_pid IS NOT NULL)
SELECT t.*, h.*, s.*
FROM totals t LEFT JOIN snapshot h ON true LEFT JOIN (
    SELECT a.pid, a.leader_pid, d.datname, u.rolname AS "user", nullif(a.application_name, '') AS application,
           pg_catalog.host(a.client_addr) AS client, a.client_port, a.state, nullif(a.query, '<insufficient privilege>') AS query,
           a.backend_type AS kind, nullif(pg_catalog.concat_ws(': ', a.wait_event_type, a.wait_event), '') AS waits_on,
           extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8 AS age_s,
           extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8 AS state_s,
       a.xact_start::text AS transaction_began, a.query_start::text AS statement_began,
           coalesce(a.backend_type = 'autovacuum worker', a.usesysid IS NULL) AS autovacuum,
           coalesce(a.query LIKE '%%(to prevent wraparound)', false) AS wraparound,
           a.pid IN (SELECT o.pid FROM old o) AS long, g.held
    FROM a LEFT JOIN held g ON g.pid = a.pid
    LEFT JOIN pg_catalog.pg_database d ON d.oid = a.datid LEFT JOIN pg_catalog.pg_roles u ON u.oid = a.usesysid
    WHERE a.pid IN (SELECT n.pid FROM named n) OR a.leader_pid IN (SELECT n.pid FROM named n) OR a.pid IN (SELECT o.pid FROM old o)) s ON true
ORDER BY s.age_s DESC NULLS LAST

-- name: operations
-- Only what runs in this database; a name is looked up by its number, which waits for no lock on the table.
WITH running AS (
    SELECT p.pid, p.command, p.relid, p.phase, p.datname, nullif(p.current_locker_pid, 0) AS waits_for,
           CASE WHEN p.phase LIKE 'waiting%' THEN p.lockers_done WHEN p.blocks_total > 0 THEN p.blocks_done ELSE p.tuples_done END AS done,
           CASE WHEN p.phase LIKE 'waiting%' THEN p.lockers_total WHEN p.blocks_total > 0 THEN p.blocks_total ELSE p.tuples_total END AS total,
           CASE WHEN p.phase LIKE 'waiting%' THEN 'transactions' WHEN p.blocks_total > 0 THEN 'blocks' ELSE 'tuples' END AS unit
    FROM pg_catalog.pg_stat_progress_create_index p
    UNION ALL
    SELECT p.pid, 'VACUUM', p.relid, p.phase, p.datname, NULL, p.heap_blks_scanned, p.heap_blks_total, 'blocks'
    FROM pg_catalog.pg_stat_progress_vacuum p
    UNION ALL
    SELECT p.pid, p.command, p.relid, p.phase, p.datname, NULL, p.heap_blks_scanned, p.heap_blks_total, 'blocks'
    FROM pg_catalog.pg_stat_progress_cluster p
    UNION ALL
    SELECT p.pid, 'ANALYZE', p.relid, p.phase, p.datname, NULL, p.sample_blks_scanned, p.sample_blks_total, 'blocks'
    FROM pg_catalog.pg_stat_progress_analyze p
    UNION ALL
    SELECT p.pid, p.command, p.relid, p.type, p.datname, NULL, CASE WHEN p.bytes_total > 0 THEN p.bytes_processed ELSE p.tuples_processed END,
           p.bytes_total, CASE WHEN p.bytes_total > 0 THEN 'bytes' ELSE 'tuples' END
    FROM pg_catalog.pg_stat_progress_copy p)
SELECT r.pid, r.command, coalesce(r.phase, '') AS phase, coalesce(r.done, 0)::bigint AS done, coalesce(r.total, 0)::bigint AS total,
       r.unit, r.waits_for::integer AS waits_for,
       coalesce(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), '') AS relation
FROM running r
LEFT JOIN pg_catalog.pg_class c ON c.oid = r.relid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.datname = pg_catalog.current_database() AND r.phase IS NOT NULL
ORDER BY r.pid LIMIT 50

-- name: replicas
WITH here AS (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                          ELSE pg_catalog.pg_current_wal_lsn() END AS lsn)
SELECT coalesce(nullif(r.application_name, ''), 'pid ' || r.pid) AS name, pg_catalog.host(r.client_addr) AS client, r.state,
       r.sync_state AS sync, (here.lsn - r.replay_lsn)::bigint AS lag_bytes, extract(epoch FROM r.replay_lag)::float8 AS lag_s
FROM pg_catalog.pg_stat_replication r, here ORDER BY 1 LIMIT 50

-- name: slots
WITH here AS (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                          ELSE pg_catalog.pg_current_wal_lsn() END AS lsn)
SELECT s.slot_name AS name, s.slot_type AS kind, s.active, (here.lsn - s.restart_lsn)::bigint AS retained_bytes, s.wal_status
FROM pg_catalog.pg_replication_slots s, here ORDER BY 4 DESC NULLS LAST LIMIT 50

-- name: wal
SELECT (CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
             ELSE pg_catalog.pg_current_wal_lsn() END - '0/0'::pg_lsn)::bigint AS bytes

-- name: horizon
-- What else than a session holds an old snapshot.
SELECT h.kind, h.who, pg_catalog.age(h.xmin) AS age
FROM (SELECT 'prepared transaction' AS kind, p.gid AS who, p.transaction AS xmin FROM pg_catalog.pg_prepared_xacts p
      WHERE p.database = pg_catalog.current_database()
      UNION ALL SELECT 'slot', s.slot_name, s.xmin FROM pg_catalog.pg_replication_slots s
      UNION ALL SELECT 'slot', s.slot_name, s.catalog_xmin FROM pg_catalog.pg_replication_slots s
      UNION ALL SELECT 'standby', coalesce(nullif(r.application_name, ''), 'pid ' || r.pid), r.backend_xmin
      FROM pg_catalog.pg_stat_replication r) h
WHERE h.xmin IS NOT NULL ORDER BY pg_catalog.age(h.xmin) DESC LIMIT 1

-- name: conflicts
SELECT c.confl_tablespace, c.confl_lock, c.confl_snapshot, c.confl_bufferpin, c.confl_deadlock,
       extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp())::float8 AS replay_lag_s,
       pg_catalog.pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_catalog.pg_last_wal_replay_lsn() AS caught_up,
       pg_catalog.pg_is_in_recovery() AND pg_catalog.pg_is_wal_replay_paused() AS paused
FROM pg_catalog.pg_stat_database_conflicts c WHERE c.datname = pg_catalog.current_database()
