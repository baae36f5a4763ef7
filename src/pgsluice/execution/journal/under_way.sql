-- name: under_way_steps
-- The steps of what has begun and is not over, or was over less than a minute ago, at most so many; texts are cut for the eye.
SELECT s.migration, s.id, s.phase, s.kind, left(s.sql, 400) AS sql, s.state, s.attempts, left(s.error, 400) AS error,
       CASE WHEN s.state IN ('started', 'undoing')
            THEN extract(epoch FROM pg_catalog.clock_timestamp() - s.started_at)::float8 END AS running_s,
       extract(epoch FROM pg_catalog.clock_timestamp() - s.started_at)::float8 AS began_ago_s,
       extract(epoch FROM pg_catalog.clock_timestamp() - s.finished_at)::float8 AS ended_ago_s
FROM pgsluice.step s JOIN pgsluice.migration m ON m.name = s.migration
WHERE m.state NOT IN ('done', 'adopted', 'rolled back') OR m.finished_at > pg_catalog.clock_timestamp() - interval '1 min'
ORDER BY m.position, s.number LIMIT 300

-- name: under_way_migrations
SELECT m.name || ': ' || m.state AS said FROM pgsluice.migration m
WHERE m.state NOT IN ('done', 'adopted', 'rolled back') ORDER BY m.position LIMIT 50

-- name: under_way_backfills
-- Of each what its workers have done together; those of the command line have no migration.
SELECT b.migration, b.step, coalesce(w.rows_done, 0)::bigint AS rows_done,
       extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(w.updated_at, b.updated_at))::float8 AS quiet_s
FROM pgsluice.backfill b
LEFT JOIN LATERAL (
    SELECT sum(rows_done) AS rows_done, max(updated_at) AS updated_at FROM pgsluice.backfill_worker p
    WHERE (p.migration, p.step) = (b.migration, b.step)) w ON true
LEFT JOIN pgsluice.step s ON s.migration = b.migration AND s.id = b.step
LEFT JOIN pgsluice.job j ON b.migration = '' AND j.name = b.step
WHERE s.state IS DISTINCT FROM 'done' AND j.state IS DISTINCT FROM 'done' ORDER BY 1, 2 LIMIT 50
