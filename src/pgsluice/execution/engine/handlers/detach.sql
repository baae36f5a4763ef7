-- name: detach_pending
-- The parent of a partition whose DETACH CONCURRENTLY did not come to its end.
SELECT pg_catalog.format('%%I.%%I', n.nspname, p.relname) AS parent
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace
WHERE i.inhrelid = pg_catalog.to_regclass(%(partition)s) AND i.inhdetachpending
