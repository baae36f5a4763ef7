-- name: installed
SELECT (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'pgsluice') IS NOT NULL AS schema,
       EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'pgsluice' AND c.relname = 'version') AS tables,
       pg_catalog.current_database() AS database, current_user AS role

-- name: version
SELECT max(version) FROM pgsluice.version

-- name: migrations
SELECT name, position, checksum, path, state, through, error, run_by, started_at, finished_at
FROM pgsluice.migration ORDER BY position

-- name: steps
SELECT migration, id, phase, kind, sql, state, attempts, error, started_at, finished_at
FROM pgsluice.step ORDER BY migration, number

-- name: step_state
SELECT state FROM pgsluice.step WHERE migration = %(migration)s AND id = %(step)s

-- name: plan
SELECT plan::text FROM pgsluice.migration WHERE name = %(migration)s

-- name: plans
SELECT plan::text FROM pgsluice.migration WHERE plan IS NOT NULL AND state <> ALL (%(settled)s)

-- name: forget
-- What a rolled back (or never begun) attempt left of itself, so that a new plan can take its place.
WITH fill AS (DELETE FROM pgsluice.backfill WHERE migration = %(migration)s),
     step AS (DELETE FROM pgsluice.step WHERE migration = %(migration)s)
SELECT 1

-- name: begin
WITH migration AS (
    INSERT INTO pgsluice.migration (name, position, checksum, path, state, through, plan)
    SELECT %(name)s, (SELECT coalesce(max(position), 0) + 1 FROM pgsluice.migration), %(checksum)s, %(path)s,
           'running', %(through)s, %(plan)s::jsonb
    ON CONFLICT (name) DO UPDATE SET
        position = excluded.position, checksum = excluded.checksum, path = excluded.path, state = 'running',
        through = excluded.through, plan = excluded.plan, error = NULL, run_by = current_user,
        started_at = pg_catalog.clock_timestamp(), changed_at = pg_catalog.clock_timestamp(), finished_at = NULL
    RETURNING name),
steps AS (
    INSERT INTO pgsluice.step (migration, id, number, phase, kind, sql, state)
    SELECT migration.name, s.id, s.number, s.phase, s.kind, s.sql, 'pending'
    FROM migration, pg_catalog.jsonb_to_recordset(%(steps)s::jsonb)
         AS s (id text, number integer, phase text, kind text, sql text))
SELECT name FROM migration

-- name: adopt
INSERT INTO pgsluice.migration (name, position, checksum, path, state, finished_at)
SELECT f.name, (SELECT coalesce(max(position), 0) FROM pgsluice.migration) + f.number, f.checksum, f.path,
       'adopted', pg_catalog.clock_timestamp()
FROM pg_catalog.jsonb_to_recordset(%(files)s::jsonb) AS f (name text, number integer, checksum text, path text)
RETURNING name

-- name: move
UPDATE pgsluice.migration
SET state = %(state)s, through = coalesce(%(through)s, through), error = %(error)s,
    changed_at = pg_catalog.clock_timestamp(),
    finished_at = CASE WHEN %(state)s::text IN ('done', 'rolled back') THEN pg_catalog.clock_timestamp() END
WHERE name = %(migration)s AND state = %(was)s
RETURNING name

-- name: start_step
WITH lease AS (UPDATE pgsluice.lease SET doing = %(doing)s WHERE fence = %(fence)s RETURNING fence)
UPDATE pgsluice.step
SET state = %(state)s, attempts = attempts + 1, error = NULL,
    started_at = pg_catalog.clock_timestamp(), finished_at = NULL
WHERE migration = %(migration)s AND id = %(step)s AND EXISTS (SELECT FROM lease)
RETURNING id

-- name: end_step
WITH lease AS (UPDATE pgsluice.lease SET doing = '' WHERE fence = %(fence)s RETURNING fence)
UPDATE pgsluice.step
SET state = %(state)s, error = %(error)s, finished_at = pg_catalog.clock_timestamp()
WHERE migration = %(migration)s AND id = %(step)s AND EXISTS (SELECT FROM lease)
RETURNING id

-- name: forget_backfill
DELETE FROM pgsluice.backfill WHERE migration = %(migration)s AND step = %(step)s RETURNING step

-- name: try_lock
SELECT pg_catalog.pg_try_advisory_lock(%(space)s::integer, %(key)s::integer)

-- name: try_presence
SELECT pg_catalog.pg_try_advisory_lock_shared(%(space)s::integer, %(key)s::integer)

-- name: holders
-- Backends that hold one of our advisory locks; `quiet_s` is for how long one has been idle, null where it works or
-- where its activity is hidden from our role.
SELECT l.pid, CASE WHEN a.state <> 'active'
                   THEN extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8 END AS quiet_s
FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
  AND l.classid = %(space)s::bigint::oid AND l.objid = %(key)s::bigint::oid
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
ORDER BY l.pid

-- name: terminate
SELECT pg_catalog.pg_terminate_backend(%(pid)s::integer)

-- name: lease
SELECT fence, host, pid, os_user, role, since, doing, backends::text AS backends FROM pgsluice.lease

-- name: take_lease
-- FOR UPDATE: conflicts with the FOR KEY SHARE of a strike that is about to write (recording.py), which an UPDATE of
-- these columns alone would not.
WITH held AS (SELECT id FROM pgsluice.lease FOR UPDATE)
UPDATE pgsluice.lease l
SET fence = l.fence + 1, host = %(host)s, pid = %(pid)s, os_user = %(os_user)s, role = current_user,
    since = pg_catalog.clock_timestamp(), doing = '', backends = '[]'
FROM held WHERE l.id = held.id
RETURNING l.fence

-- name: backends
-- The identity of our own sessions in the server, for people who look for a dead run's backends.
SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('pid', pid, 'started', backend_start)), '[]')::text
FROM pg_catalog.pg_stat_activity WHERE pid = ANY (%(pids)s)

-- name: set_backends
UPDATE pgsluice.lease SET backends = %(backends)s::jsonb WHERE fence = %(fence)s RETURNING fence

-- name: rest
UPDATE pgsluice.lease SET doing = '' WHERE fence = %(fence)s AND doing <> '' RETURNING fence
