-- name: invalid_indexes
-- A build that runs looks just like a leftover: `building` where anybody holds the lock that a build takes.
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name, c.relname AS plain,
       EXISTS (SELECT FROM pg_catalog.pg_locks l
               WHERE l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted
                 AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())) AS building
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND left(n.nspname, 3) <> 'pg_'
ORDER BY 1

-- name: helper_objects
SELECT kind, name, plain FROM (
    SELECT CASE c.relkind WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END AS kind,
           pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name, c.relname AS plain
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'i', 'I', 'v', 'm', 'S')
    UNION ALL
    SELECT 'constraint', pg_catalog.quote_ident(k.conname) || ' on ' || k.conrelid::regclass, k.conname
    FROM pg_catalog.pg_constraint k WHERE k.conrelid <> 0
    UNION ALL
    SELECT 'trigger', pg_catalog.quote_ident(t.tgname) || ' on ' || t.tgrelid::regclass, t.tgname
    FROM pg_catalog.pg_trigger t WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'column', a.attrelid::regclass || '.' || pg_catalog.quote_ident(a.attname), a.attname
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
    UNION ALL
    SELECT 'function', p.oid::regprocedure::text, p.proname FROM pg_catalog.pg_proc p
) AS made
WHERE pg_catalog.starts_with(plain, %(prefix)s)
ORDER BY 1, 2
