-- name: situation
-- Who asks, and under which settings: before any SET LOCAL of ours.
SELECT current_user::text AS role, current_database()::text AS database, current_setting('search_path') AS search_path,
       current_schemas(false)::text[] AS schemas,
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS superuser,
       (SELECT pg_catalog.jsonb_object_agg(name, value)
        FROM (SELECT wanted.name, pg_catalog.current_setting(wanted.name, true) AS value
              FROM unnest(%(settings)s::text[]) AS wanted(name)) AS settings
        WHERE value IS NOT NULL) AS settings;

-- name: begin
-- Texts are printed the same way whoever asks. pg_temp stands last, so that no temporary table hides a catalog.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: spelling
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL DateStyle = ISO;
SET LOCAL IntervalStyle = postgres;
SET LOCAL TimeZone = 'UTC';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = hex;
SET LOCAL quote_all_identifiers = off;

-- name: schemas
SELECT n.oid, n.nspname AS name,
       EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e') AS of_extension
FROM pg_namespace n
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'pgsluice')
  AND n.nspname !~ '^pg_toast_temp_' AND NOT pg_is_other_temp_schema(n.oid)
  AND (n.nspname !~ '^pg_temp_' OR n.oid = pg_my_temp_schema());

-- name: relations
SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, c.relpersistence::text AS persistence,
       pg_get_userbyid(c.relowner)::text AS owner, c.reltuples::float8 AS rows, c.relpages::bigint AS pages,
       c.relispartition AS is_partition, c.relrowsecurity AS row_security, c.relreplident::text AS replica_identity,
       CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS of_type,
       CASE WHEN c.relfrozenxid <> 0::text::xid THEN age(c.relfrozenxid) ELSE 0 END AS wraparound_age,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS partition_bound,
       coalesce(p.partdefid, 0) AS default_partition, d.description AS comment,
       coalesce(c.relacl::text[], '{}') AS privileges, coalesce(c.reloptions, '{}') AS options, e.extname AS extension
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0
LEFT JOIN pg_depend x ON x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e'
LEFT JOIN pg_extension e ON e.oid = x.refobjid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relnamespace = ANY (%(schemas)s::oid[])
ORDER BY n.nspname, c.relname;

-- name: columns
SELECT a.attrelid AS relation, a.attnum AS number, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS not_null, pg_get_expr(f.adbin, f.adrelid) AS "default", a.attgenerated::text AS generated,
       a.attidentity::text AS identity, CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text ELSE '' END AS storage,
       a.attcompression::text AS compression, nullif(a.attstattarget, -1) AS statistics_target, d.description AS comment,
       coalesce(a.attacl::text[], '{}') AS privileges,
       a.atthasmissing AS has_missing_value,
       CASE WHEN a.attcollation <> t.typcollation THEN quote_ident(l.nspname) || '.' || quote_ident(o.collname) END AS collation
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relnamespace = ANY (%(schemas)s::oid[])
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef f ON a.atthasdef AND f.adrelid = a.attrelid AND f.adnum = a.attnum
LEFT JOIN pg_collation o ON o.oid = a.attcollation
LEFT JOIN pg_namespace l ON l.oid = o.collnamespace
LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = a.attrelid AND d.objsubid = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum;

-- name: indexes
-- indnullsnotdistinct is the index's own where the server has such a column (15), else the one of `older`.
SELECT i.indexrelid AS oid, i.indrelid AS relation, n.nspname AS schema, c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition,
       m.amname AS method, i.indkey::int2[] AS keys, i.indnkeyatts AS key_count,
       pg_get_expr(i.indpred, i.indrelid) AS predicate, i.indisunique AS is_unique, i.indisprimary AS is_primary,
       i.indisvalid AND i.indisready AND i.indislive AS valid, k.conname AS "constraint", c.relkind = 'I' AS partitioned,
       i.indisreplident AS replica_identity, i.indnullsnotdistinct AS nulls_not_distinct,
       m.amname = 'btree' AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (
           SELECT FROM generate_series(0, i.indnkeyatts - 1) AS at(n)
           JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[at.n]
           JOIN pg_opclass o ON o.oid = i.indclass[at.n]
           WHERE i.indoption[at.n] <> 0 OR NOT o.opcdefault OR i.indcollation[at.n] <> a.attcollation) AS plain,
       ARRAY(SELECT DISTINCT d.refobjsubid FROM pg_depend d
             WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass
               AND d.refobjid = i.indrelid AND d.refobjsubid > 0) AS used
FROM (SELECT false AS indnullsnotdistinct) AS older
CROSS JOIN LATERAL (
    SELECT indexrelid, indrelid, indkey, indnkeyatts, indpred, indexprs, indisunique, indisprimary, indisvalid, indisready, indislive,
           indisreplident, indnullsnotdistinct, indclass, indoption, indcollation
    FROM pg_index) AS i
JOIN pg_class c ON c.oid = i.indexrelid AND c.relnamespace = ANY (%(schemas)s::oid[])
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_am m ON m.oid = c.relam
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
ORDER BY n.nspname, c.relname;

-- name: constraints
-- conenforced is the constraint's own where the server has such a column (18), else the one of `older`. Left out are the copies
-- that a foreign key to a partitioned table has for each of its partitions: they have the same conrelid as their parent.
SELECT k.conrelid AS relation, k.conname AS name, k.contype::text AS kind,
       CASE WHEN k.contype <> 'n' THEN pg_get_constraintdef(k.oid) END AS definition, coalesce(k.conkey, '{}') AS columns,
       k.convalidated AS validated, k.conenforced AS enforced, k.confrelid AS "references", coalesce(k.confkey, '{}') AS referenced_columns,
       CASE WHEN k.contype IN ('p', 'u', 'x') THEN k.conindid ELSE 0 END AS index, k.condeferrable AS deferrable,
       k.connoinherit AND k.contype IN ('c', 'n') AS no_inherit, k.coninhcount > 0 OR k.conparentid <> 0 AS inherited
FROM (SELECT true AS conenforced) AS older
CROSS JOIN LATERAL (
    SELECT oid, conrelid, conname, contype, conkey, convalidated, conenforced, confrelid, confkey, conindid, condeferrable, connoinherit,
           coninhcount, conparentid
    FROM pg_constraint) AS k
JOIN pg_class c ON c.oid = k.conrelid AND c.relnamespace = ANY (%(schemas)s::oid[])
LEFT JOIN pg_constraint p ON p.oid = k.conparentid
WHERE k.contype IN ('p', 'u', 'x', 'c', 'f', 'n') AND p.conrelid IS DISTINCT FROM k.conrelid
ORDER BY k.conrelid, k.conname;

-- name: triggers
SELECT t.tgrelid AS relation, t.tgname AS name, pg_get_triggerdef(t.oid) AS definition, t.tgenabled <> 'D' AS enabled,
       t.tgfoid::regprocedure::text AS function, t.tgparentid <> 0 AS inherited
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid AND c.relnamespace = ANY (%(schemas)s::oid[])
WHERE NOT t.tgisinternal
ORDER BY t.tgrelid, t.tgname;

-- name: inheritance
SELECT i.inhrelid AS child, i.inhparent AS parent
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid AND c.relnamespace = ANY (%(schemas)s::oid[])
ORDER BY i.inhrelid, i.inhseqno;

-- name: rules
SELECT r.oid, r.ev_class AS relation, r.rulename AS name
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class AND c.relnamespace = ANY (%(schemas)s::oid[])
WHERE r.rulename <> '_RETURN'
ORDER BY r.ev_class, r.rulename;

-- name: policies
SELECT p.oid, p.polrelid AS relation, p.polname AS name
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid AND c.relnamespace = ANY (%(schemas)s::oid[])
ORDER BY p.polrelid, p.polname;

-- name: view_reads
SELECT DISTINCT r.ev_class AS view, d.refobjid AS relation, d.refobjsubid AS number
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class AND c.relkind IN ('v', 'm') AND c.relnamespace = ANY (%(schemas)s::oid[])
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
                AND d.refobjid <> r.ev_class
WHERE r.rulename = '_RETURN'
ORDER BY 1, 2, 3;

-- name: sequences
SELECT c.oid, n.nspname AS schema, c.relname AS name, format_type(s.seqtypid, NULL) AS type, s.seqmax AS maximum,
       s.seqmin AS minimum, s.seqstart AS start, s.seqincrement AS increment, s.seqcache AS cache, s.seqcycle AS cycle,
       coalesce(d.refobjid, 0) AS owner, coalesce(d.refobjsubid, 0) AS owner_column, e.extname AS extension
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid AND c.relnamespace = ANY (%(schemas)s::oid[])
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                     AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_depend x ON x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e'
LEFT JOIN pg_extension e ON e.oid = x.refobjid
ORDER BY n.nspname, c.relname;

-- name: functions
SELECT p.oid, n.nspname AS schema, p.proname AS name, p.oid::regprocedure::text AS signature, p.prokind::text AS kind,
       p.provolatile::text AS volatility, l.lanname AS language, e.extname AS extension
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
LEFT JOIN pg_depend x ON x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.deptype = 'e'
LEFT JOIN pg_extension e ON e.oid = x.refobjid
WHERE p.pronamespace = ANY (%(schemas)s::oid[])
ORDER BY 4;

-- name: types
SELECT n.nspname AS schema, t.typname AS name, t.typtype::text AS kind, t.typnotnull AS not_null, t.typdefault AS "default",
       CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) WHEN 'r' THEN format_type(r.rngsubtype, NULL) END AS base,
       ARRAY(SELECT v.enumlabel::text FROM pg_enum v WHERE v.enumtypid = t.oid ORDER BY v.enumsortorder) AS labels,
       coalesce((SELECT json_agg(json_build_array(k.conname, pg_get_constraintdef(k.oid), k.convalidated) ORDER BY k.conname)
                 FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'), '[]') AS constraints,
       coalesce((SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
                 FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped), '[]') AS attributes, e.extname AS extension
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
LEFT JOIN pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_depend x ON x.classid = 'pg_type'::regclass AND x.objid = t.oid AND x.deptype = 'e'
LEFT JOIN pg_extension e ON e.oid = x.refobjid
WHERE t.typnamespace = ANY (%(schemas)s::oid[]) AND (t.typtype IN ('e', 'd', 'r') OR c.oid IS NOT NULL)
ORDER BY n.nspname, t.typname;

-- name: publications
-- The schemas of a publication (15) are found through the dependencies that its rows in pg_publication_namespace have.
SELECT p.pubname AS name, p.puballtables AS all_tables,
       ARRAY(SELECT n.nspname::text
             FROM pg_depend of_publication
             JOIN pg_depend of_schema ON of_schema.classid = of_publication.classid AND of_schema.objid = of_publication.objid
                                     AND of_schema.refclassid = 'pg_namespace'::regclass
             JOIN pg_namespace n ON n.oid = of_schema.refobjid
             WHERE of_publication.classid = to_regclass('pg_catalog.pg_publication_namespace')
               AND of_publication.refclassid = 'pg_publication'::regclass AND of_publication.refobjid = p.oid
             ORDER BY 1) AS schemas,
       ARRAY(SELECT r.prrelid FROM pg_publication_rel r WHERE r.prpubid = p.oid) AS relations
FROM pg_publication p
ORDER BY p.pubname;

-- name: surroundings
SELECT ARRAY(SELECT e.extname::text FROM pg_extension e ORDER BY 1) AS extensions,
       ARRAY(SELECT t.evtname::text FROM pg_event_trigger t WHERE t.evtenabled <> 'D' ORDER BY 1) AS event_triggers,
       ARRAY(SELECT s.slot_name::text FROM pg_replication_slots s
             WHERE s.slot_type = 'logical' AND s.database = current_database() ORDER BY 1) AS slots,
       ARRAY(SELECT coalesce(nullif(r.application_name, ''), 'pid ' || r.pid) FROM pg_stat_replication r
             WHERE r.state IS DISTINCT FROM 'backup'
               AND NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
             ORDER BY 1) AS replicas;

-- name: view_definitions
SELECT c.oid, pg_get_viewdef(c.oid) AS definition FROM pg_class c WHERE c.oid = ANY (%(oids)s::oid[]);

-- name: rule_definitions
SELECT r.oid, pg_get_ruledef(r.oid) AS definition FROM pg_rewrite r WHERE r.oid = ANY (%(oids)s::oid[]);

-- name: policy_definitions
SELECT p.oid, format('POLICY %%I AS %%s FOR %%s TO %%s USING (%%s) WITH CHECK (%%s)', p.polname,
                     CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                     CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                     array_to_string(ARRAY(SELECT CASE WHEN r = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END
                                           FROM unnest(p.polroles) AS r ORDER BY 1), ', '),
                     pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) AS definition
FROM pg_policy p WHERE p.oid = ANY (%(oids)s::oid[]);

-- name: function_definitions
SELECT p.oid, pg_get_functiondef(p.oid) AS definition FROM pg_proc p WHERE p.oid = ANY (%(oids)s::oid[]);

-- name: last_values
-- An unlogged sequence cannot be read on a standby, and is not worth an error.
SELECT s.oid, CASE WHEN s.relpersistence = 'p' AND has_sequence_privilege(s.oid, 'SELECT, USAGE')
                   THEN pg_sequence_last_value(s.oid) END AS last_value
FROM pg_class s WHERE s.oid = ANY (%(oids)s::oid[]) AND s.relkind = 'S';

-- name: sizes
-- Of what is locked ACCESS EXCLUSIVE, or about to be, the size cannot be asked without waiting.
WITH busy AS MATERIALIZED (
    SELECT l.relation FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
SELECT c.oid, CASE WHEN c.oid IN (SELECT relation FROM busy) OR c.reltoastrelid IN (SELECT relation FROM busy) THEN NULL
                   ELSE pg_relation_size(c.oid) + CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE coalesce(pg_relation_size(c.reltoastrelid), 0) END
              END AS bytes
FROM pg_class c
WHERE c.relkind IN ('r', 'm', 'i') AND c.relnamespace = ANY (%(schemas)s::oid[]);

-- name: estimated_sizes
SELECT c.oid, CASE WHEN c.reltuples >= 0 THEN c.relpages::bigint * current_setting('block_size')::bigint END AS bytes
FROM pg_class c
WHERE c.relkind IN ('r', 'm', 'i') AND c.relnamespace = ANY (%(schemas)s::oid[]);

-- name: access_exclusive_holders
-- A prepared transaction has no pid; its lock on its own transaction id, under the same virtual transaction, leads to its gid.
SELECT l.pid, coalesce(quote_ident(n.nspname) || '.' || quote_ident(c.relname), l.relation::text) AS relation, a.usename::text AS "user",
       a.application_name AS application, a.state, a.query,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age_s, p.gid
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
LEFT JOIN LATERAL (
    SELECT x.gid FROM pg_catalog.pg_locks own JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = own.transactionid
    WHERE l.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid'
      AND own.virtualtransaction = l.virtualtransaction) AS p ON true
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) AND coalesce(c.relkind, 'r') <> 't'
ORDER BY a.xact_start;
