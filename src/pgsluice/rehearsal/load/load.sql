-- name: parameter_types
SELECT p.parameter_types::oid[] AS oids,
       ARRAY(SELECT pg_catalog.format_type(t.oid, NULL) FROM unnest(p.parameter_types) WITH ORDINALITY AS t(oid, n) ORDER BY t.n) AS names
FROM pg_catalog.pg_prepared_statements p
WHERE p.name = 'pgsluice_try';
