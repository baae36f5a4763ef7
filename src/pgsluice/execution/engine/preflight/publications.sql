-- name: subscribers
-- Slots through which subscriptions (or other readers of pgoutput) follow this database's publications.
SELECT slot_name AS slot FROM pg_catalog.pg_replication_slots
WHERE slot_type = 'logical' AND plugin = 'pgoutput' AND database = pg_catalog.current_database()
ORDER BY slot_name

-- name: all_tables_publications
SELECT pubname AS publication FROM pg_catalog.pg_publication WHERE puballtables ORDER BY pubname

-- name: schema_publications
-- Since 15 (ServerVersion.has_schema_publications).
SELECT p.pubname AS publication, n.nspname AS schema
FROM pg_catalog.pg_publication p
JOIN pg_catalog.pg_publication_namespace s ON s.pnpubid = p.oid
JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid
ORDER BY 1, 2

-- name: published_tables
SELECT pubname AS publication, pg_catalog.quote_ident(schemaname) || '.' || pg_catalog.quote_ident(tablename) AS relation
FROM pg_catalog.pg_publication_tables
WHERE (pg_catalog.quote_ident(schemaname) || '.' || pg_catalog.quote_ident(tablename)) = ANY (%(relations)s)
ORDER BY 1, 2

-- name: column_type
-- As it stands now; nothing for a column that is yet to be made.
SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) AS type
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = pg_catalog.to_regclass(%(relation)s) AND pg_catalog.quote_ident(a.attname) = %(column)s AND NOT a.attisdropped
