-- name: left_behind
-- Prepared transactions of this database that are older than so many seconds.
SELECT p.gid, extract(epoch FROM pg_catalog.clock_timestamp() - p.prepared)::float8 AS age_s
FROM pg_catalog.pg_prepared_xacts p
WHERE p.database = pg_catalog.current_database()
  AND p.prepared < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => %(older_s)s)
ORDER BY p.prepared
