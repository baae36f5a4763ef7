-- name: candidates
-- Tables that are called like a tool's and have columns of these names, those that the search path finds first.
SELECT n.nspname AS schema, c.relname AS name, pg_catalog.pg_table_is_visible(c.oid) AS visible,
       pg_catalog.array_agg(a.attname::text) AS columns
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v') AND c.relname = ANY (%(names)s) AND n.nspname NOT IN ('pg_catalog', 'information_schema')
GROUP BY n.nspname, c.relname, c.oid
ORDER BY visible DESC, n.nspname, c.relname

-- name: rows_of
TABLE {table}

-- name: may_write
SELECT pg_catalog.has_table_privilege(%(table)s, 'INSERT') AND pg_catalog.has_table_privilege(%(table)s, 'DELETE')

-- The queries below wait for the name of the tool's table, so they are run by tests of their own.

-- name: bound
/* another tool may hold its table */ SET LOCAL lock_timeout = '5s'

-- name: golang_migrate
/* in {table} */ WITH known AS (UPDATE {table} SET version = greatest(version, %(version)s::bigint), dirty = false RETURNING version)
INSERT INTO {table} (version, dirty) SELECT %(version)s::bigint, false WHERE NOT EXISTS (SELECT FROM {table})

-- name: golang_migrate_back
/* in {table} */ UPDATE {table} SET version = %(version)s::bigint, dirty = false

-- name: dbmate
/* in {table} */ INSERT INTO {table} (version) SELECT %(version)s::text WHERE NOT EXISTS (SELECT FROM {table} WHERE version = %(version)s::text)

-- name: goose
/* in {table} */ INSERT INTO {table} (version_id, is_applied) SELECT %(version)s::bigint, true
WHERE NOT EXISTS (SELECT FROM {table} WHERE version_id = %(version)s::bigint AND is_applied)

-- name: sqlx
/* in {table} */ INSERT INTO {table} (version, description, success, checksum, execution_time)
SELECT %(version)s::bigint, %(description)s::text, true, pg_catalog.decode(%(checksum)s::text, 'hex'), 0
WHERE NOT EXISTS (SELECT FROM {table} WHERE version = %(version)s::bigint)

-- name: diesel
/* in {table} */ INSERT INTO {table} (version) SELECT %(version)s::text WHERE NOT EXISTS (SELECT FROM {table} WHERE version = %(version)s::text)

-- name: flyway
/* in {table} */ INSERT INTO {table} (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
SELECT coalesce((SELECT max(installed_rank) FROM {table}), 0) + 1, nullif(%(version)s::text, ''), %(description)s::text, 'SQL',
       %(script)s::text, %(checksum)s::integer, current_user, 0, true
WHERE NOT EXISTS (SELECT FROM {table} WHERE script = %(script)s::text AND checksum = %(checksum)s::integer AND success)

-- name: atlas
/* in {table} */ INSERT INTO {table} (version, description, type, applied, total, executed_at, execution_time, hash, operator_version)
SELECT %(version)s::text, %(description)s::text, 2, %(statements)s::bigint, %(statements)s::bigint, pg_catalog.clock_timestamp(), 0,
       %(checksum)s::text, 'pgsluice'
WHERE NOT EXISTS (SELECT FROM {table} WHERE version = %(version)s::text)

-- name: prisma
/* in {table} */ INSERT INTO {table} (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
SELECT pg_catalog.gen_random_uuid()::text, %(checksum)s::text, pg_catalog.clock_timestamp(), %(version)s::text, pg_catalog.clock_timestamp(), 1
WHERE NOT EXISTS (SELECT FROM {table} WHERE migration_name = %(version)s::text AND finished_at IS NOT NULL AND rolled_back_at IS NULL)

-- name: supabase
/* in {table} */ INSERT INTO {table} (version, name) SELECT %(version)s::text, %(description)s::text
WHERE NOT EXISTS (SELECT FROM {table} WHERE version = %(version)s::text)

-- name: back
/* in {table} */ DELETE FROM {table} WHERE {column}::text = %(version)s::text
