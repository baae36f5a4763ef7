-- name: sessions
-- Client sessions of others on this database with what they run, or ran last. Of other roles an ordinary one sees neither text nor
-- state, but the name of the application.
SELECT a.pid, a.usename::text AS role, a.application_name AS application, a.state,
       nullif(a.query, '<insufficient privilege>') AS query,
       pg_catalog.octet_length(a.query) >= pg_catalog.pg_size_bytes(pg_catalog.current_setting('track_activity_query_size')) - 4 AS cut,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::pg_catalog.float8 AS state_s
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = pg_catalog.current_database() AND coalesce(a.backend_type, 'client backend') = 'client backend'
  AND a.pid <> pg_catalog.pg_backend_pid() AND NOT pg_catalog.starts_with(a.application_name, 'pgsluice ')
ORDER BY a.pid

-- name: routines
-- Bodies that are kept as text, which the server does not look into; with each relation that one is the trigger of.
SELECT p.oid::pg_catalog.regprocedure::text AS name, p.proname AS plain, p.prosrc AS body, tn.nspname AS schema, c.relname AS relation
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_trigger t ON t.tgfoid = p.oid AND NOT t.tgisinternal
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = c.relnamespace
WHERE n.nspname NOT IN ('information_schema', 'pgsluice') AND left(n.nspname, 3) <> 'pg_' AND l.lanname NOT IN ('internal', 'c')
  AND NOT pg_catalog.starts_with(p.proname, '_pgsluice_')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1

-- name: dependents
-- Views, functions, policies and triggers that the server itself knows to use a relation, or one column of it; all that rests on a
-- view, which goes as a whole.
SELECT DISTINCT
    CASE WHEN d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
         THEN (SELECT CASE c.relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END || c.oid::pg_catalog.regclass
               FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class WHERE r.oid = d.objid)
         ELSE pg_catalog.pg_describe_object(d.classid, d.objid, 0) END AS name
FROM pg_catalog.pg_depend d
LEFT JOIN pg_catalog.pg_rewrite w ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = d.objid
LEFT JOIN pg_catalog.pg_policy y ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND y.oid = d.objid
LEFT JOIN pg_catalog.pg_trigger t ON d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND t.oid = d.objid
WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.refobjid = pg_catalog.to_regclass(%(relation)s) AND d.deptype = 'n'
  AND d.classid IN ('pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass,
                    'pg_catalog.pg_policy'::pg_catalog.regclass, 'pg_catalog.pg_trigger'::pg_catalog.regclass)
  AND NOT coalesce(t.tgisinternal OR pg_catalog.starts_with(t.tgname, '~_pgsluice_'), false)
  AND CASE WHEN %(column)s = '' THEN d.refobjid <> ALL (ARRAY[coalesce(w.ev_class, 0), coalesce(y.polrelid, 0), coalesce(t.tgrelid, 0)])
           ELSE d.refobjid <> coalesce(w.ev_class, 0)
                AND (d.refobjsubid = (SELECT a.attnum FROM pg_catalog.pg_attribute a
                                      WHERE a.attrelid = d.refobjid AND a.attname = %(column)s AND NOT a.attisdropped)
                     OR (SELECT c.relkind FROM pg_catalog.pg_class c WHERE c.oid = d.refobjid) = 'v') END
ORDER BY 1
