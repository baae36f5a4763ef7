-- name: standbys
-- Those that stream now, physical or logical, and how far they are behind; null where our role may not see it.
SELECT coalesce(nullif(application_name, ''), 'pid ' || pid) AS name, state,
       pg_catalog.pg_wal_lsn_diff(replay_lsn, '0/0')::bigint AS replayed,
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::bigint AS written
FROM pg_catalog.pg_stat_replication WHERE state IS DISTINCT FROM 'backup' AND state IS DISTINCT FROM 'startup'

-- name: wal_written
SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint AS written

-- name: slots
-- What each slot keeps, and what all may keep (null: any amount). One that is lost is beyond help.
SELECT slot_name AS name, active, wal_status,
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)::bigint AS kept,
       (SELECT nullif(setting::bigint, -1) * 1024 * 1024 FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size') AS most
FROM pg_catalog.pg_replication_slots WHERE restart_lsn IS NOT NULL AND wal_status IS DISTINCT FROM 'lost'

-- name: archiver
SELECT pg_catalog.current_setting('archive_mode') <> 'off' AS archiving, last_archived_wal AS last, failed_count,
       last_failed_time IS NOT NULL AND last_failed_time > coalesce(last_archived_time, '-infinity') AS failing,
       pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()) AS current,
       (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size') AS segment
FROM pg_catalog.pg_stat_archiver

-- name: active_sessions
-- Of all sessions but ours; `hidden` are those whose state our role may not see.
SELECT count(*) FILTER (WHERE state = 'active' AND application_name NOT LIKE 'pgsluice %%') AS active,
       count(*) FILTER (WHERE state IS NULL AND usesysid IS NOT NULL AND query = '<insufficient privilege>') AS hidden
FROM pg_catalog.pg_stat_activity WHERE pid <> pg_catalog.pg_backend_pid()

-- name: clock
SELECT pg_catalog.to_char(pg_catalog.clock_timestamp(), 'HH24:MI') AS now
