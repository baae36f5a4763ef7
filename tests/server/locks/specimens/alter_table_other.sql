-- ALTER TABLE beyond columns and constraints, on an ordinary table.
-- scene: plain

-- form: ALTER TABLE RENAME
ALTER TABLE tab RENAME TO renamed;
-- form: ALTER TABLE RENAME: IF EXISTS, missing
ALTER TABLE IF EXISTS nothing RENAME TO renamed;
-- form: ALTER TABLE SET SCHEMA
-- setup: CREATE SCHEMA IF NOT EXISTS elsewhere
ALTER TABLE tab SET SCHEMA elsewhere;
-- form: ALTER TABLE OWNER TO
ALTER TABLE tab OWNER TO locks_owner;
-- form: ALTER TABLE SET (autovacuum options)
ALTER TABLE tab SET (autovacuum_enabled = off);
-- form: ALTER TABLE SET (fillfactor)
ALTER TABLE tab SET (fillfactor = 80);
-- form: ALTER TABLE SET (parallel_workers)
ALTER TABLE tab SET (parallel_workers = 2);
-- form: ALTER TABLE SET (toast_tuple_target)
ALTER TABLE tab SET (toast_tuple_target = 1024);
-- form: ALTER TABLE SET (user_catalog_table)
ALTER TABLE tab SET (user_catalog_table = true);
-- form: ALTER TABLE SET (vacuum_truncate)
ALTER TABLE tab SET (vacuum_truncate = off);
-- form: ALTER TABLE RESET (options)
ALTER TABLE tab RESET (fillfactor);
-- form: ALTER TABLE RESET (autovacuum options)
ALTER TABLE tab RESET (autovacuum_enabled);
-- form: ALTER TABLE SET LOGGED
-- setup: ALTER TABLE tab DROP CONSTRAINT tab_f_fkey, DROP CONSTRAINT tab_o_fkey; DROP TABLE referencing, other_referencing; ALTER TABLE tab SET UNLOGGED
ALTER TABLE tab SET LOGGED;
-- form: ALTER TABLE SET UNLOGGED
-- setup: DROP TABLE referencing, other_referencing
ALTER TABLE tab SET UNLOGGED;
-- form: ALTER TABLE SET LOGGED: is already
ALTER TABLE tab SET LOGGED;
-- form: ALTER TABLE SET ACCESS METHOD: the same
-- majors: 15-
ALTER TABLE tab SET ACCESS METHOD heap;
-- form: ALTER TABLE SET ACCESS METHOD
-- majors: 15-
ALTER TABLE tab SET ACCESS METHOD heap_again;
-- form: ALTER TABLE CLUSTER ON
-- role: tab_i_idx = named index
ALTER TABLE tab CLUSTER ON tab_i_idx;
-- form: ALTER TABLE SET WITHOUT CLUSTER
ALTER TABLE tab SET WITHOUT CLUSTER;
-- form: ALTER TABLE REPLICA IDENTITY FULL
ALTER TABLE tab REPLICA IDENTITY FULL;
-- form: ALTER TABLE REPLICA IDENTITY DEFAULT
ALTER TABLE tab REPLICA IDENTITY DEFAULT;
-- form: ALTER TABLE REPLICA IDENTITY NOTHING
ALTER TABLE tab REPLICA IDENTITY NOTHING;
-- form: ALTER TABLE REPLICA IDENTITY USING INDEX
-- role: tab_pkey = named index
ALTER TABLE tab REPLICA IDENTITY USING INDEX tab_pkey;
-- form: ALTER TABLE ENABLE ROW LEVEL SECURITY
ALTER TABLE tab ENABLE ROW LEVEL SECURITY;
-- form: ALTER TABLE DISABLE ROW LEVEL SECURITY
ALTER TABLE tab DISABLE ROW LEVEL SECURITY;
-- form: ALTER TABLE FORCE ROW LEVEL SECURITY
ALTER TABLE tab FORCE ROW LEVEL SECURITY;
-- form: ALTER TABLE NO FORCE ROW LEVEL SECURITY
ALTER TABLE tab NO FORCE ROW LEVEL SECURITY;
-- form: ALTER TABLE DISABLE TRIGGER
ALTER TABLE tab DISABLE TRIGGER trig;
-- form: ALTER TABLE DISABLE TRIGGER ALL
ALTER TABLE tab DISABLE TRIGGER ALL;
-- form: ALTER TABLE DISABLE TRIGGER USER
ALTER TABLE tab DISABLE TRIGGER USER;
-- form: ALTER TABLE ENABLE TRIGGER
ALTER TABLE tab ENABLE TRIGGER trig;
-- form: ALTER TABLE ENABLE TRIGGER ALL
ALTER TABLE tab ENABLE TRIGGER ALL;
-- form: ALTER TABLE ENABLE TRIGGER USER
ALTER TABLE tab ENABLE TRIGGER USER;
-- form: ALTER TABLE ENABLE ALWAYS TRIGGER
ALTER TABLE tab ENABLE ALWAYS TRIGGER trig;
-- form: ALTER TABLE ENABLE REPLICA TRIGGER
ALTER TABLE tab ENABLE REPLICA TRIGGER trig;
-- form: ALTER TABLE DISABLE RULE
-- setup: CREATE RULE rul AS ON DELETE TO tab WHERE OLD.id < 0 DO INSTEAD NOTHING
ALTER TABLE tab DISABLE RULE rul;
-- form: ALTER TABLE ENABLE RULE
-- setup: CREATE RULE rul AS ON DELETE TO tab WHERE OLD.id < 0 DO INSTEAD NOTHING
ALTER TABLE tab ENABLE RULE rul;
-- form: ALTER TABLE INHERIT
-- setup: CREATE TABLE new_parent (a int)
ALTER TABLE tab INHERIT new_parent;
-- form: ALTER TABLE NO INHERIT
-- role: tab = parent
-- role: child = table
-- role: tab_pkey = nothing
ALTER TABLE child NO INHERIT tab;
-- form: ALTER TABLE OF
-- setup: CREATE TYPE shape AS (a int, b int); CREATE TABLE shaped (a int, b int)
-- role: shaped = table
-- role: tab = nothing
ALTER TABLE shaped OF shape;
-- form: ALTER TABLE NOT OF
-- setup: CREATE TYPE shape AS (a int, b int); CREATE TABLE shaped OF shape
-- role: shaped = table
-- role: tab = nothing
ALTER TABLE shaped NOT OF;
