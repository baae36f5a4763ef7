-- name: open_backfill
INSERT INTO pgsluice.backfill (migration, step) VALUES (%(migration)s, %(step)s) ON CONFLICT DO NOTHING

-- name: backfills
-- Of each backfill what its workers have done together, and for one of the command line its job.
SELECT b.migration, b.step, b.wanted, b.pace, b.news::text AS news, coalesce(w.rows_done, 0)::bigint AS rows_done,
       greatest(b.updated_at, w.updated_at) AS updated_at, coalesce(x.bad_rows, 0)::bigint AS bad_rows,
       j.state, j.error, j.number, j.job ->> 'sql' AS sql
FROM pgsluice.backfill b
LEFT JOIN LATERAL (
    SELECT sum(rows_done) AS rows_done, max(updated_at) AS updated_at FROM pgsluice.backfill_worker p
    WHERE (p.migration, p.step) = (b.migration, b.step)) w ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS bad_rows FROM pgsluice.backfill_bad_row r WHERE (r.migration, r.step) = (b.migration, b.step)) x ON true
LEFT JOIN pgsluice.job j ON b.migration = '' AND j.name = b.step
ORDER BY b.migration, b.step

-- name: backfill_position
SELECT position::text FROM pgsluice.backfill_worker
WHERE migration = %(migration)s AND step = %(step)s AND worker = %(worker)s

-- name: orders
SELECT wanted, pace FROM pgsluice.backfill WHERE migration = %(migration)s AND step = %(step)s

-- name: order
UPDATE pgsluice.backfill SET wanted = coalesce(%(wanted)s, wanted), pace = coalesce(%(pace)s, pace)
WHERE migration = %(migration)s AND step = %(step)s
RETURNING step

-- name: add_bad_row
INSERT INTO pgsluice.backfill_bad_row (migration, step, place, error)
VALUES (%(migration)s, %(step)s, %(place)s, %(error)s) ON CONFLICT DO NOTHING

-- name: job
SELECT name, number, job::text AS job, state, fence FROM pgsluice.job WHERE name = %(name)s

-- name: new_job
-- In the place of a former one of that name that has ended.
WITH old AS (DELETE FROM pgsluice.backfill WHERE migration = '' AND step = %(name)s)
INSERT INTO pgsluice.job (name, number, job, state)
SELECT %(name)s, (SELECT coalesce(max(number), 0) + 1 FROM pgsluice.job), %(job)s::jsonb, 'running'
ON CONFLICT (name) DO UPDATE SET job = excluded.job, state = 'running', error = NULL, run_by = current_user,
    started_at = pg_catalog.clock_timestamp(), finished_at = NULL
RETURNING name

-- name: take_job
-- FOR UPDATE: conflicts with the FOR KEY SHARE of a batch that is about to write, as in take_lease.
WITH held AS (SELECT name FROM pgsluice.job WHERE name = %(name)s FOR UPDATE)
UPDATE pgsluice.job j
SET fence = j.fence + 1, host = %(host)s, pid = %(pid)s, state = 'running', error = NULL, finished_at = NULL
FROM held WHERE j.name = held.name
RETURNING j.fence

-- name: end_job
UPDATE pgsluice.job SET state = %(state)s, error = %(error)s,
    finished_at = CASE WHEN %(state)s::text = 'done' THEN pg_catalog.clock_timestamp() END
WHERE name = %(name)s AND fence = %(fence)s
RETURNING name

-- name: unlock_run
SELECT pg_catalog.pg_advisory_unlock(%(space)s::integer, %(key)s::integer)
