-- Views, sequences, types, functions, triggers, policies, publications and the rest.
-- scene: plain

-- form: CREATE TRIGGER
CREATE TRIGGER new AFTER INSERT ON tab FOR EACH ROW EXECUTE FUNCTION noted();
-- form: CREATE TRIGGER: OR REPLACE
CREATE OR REPLACE TRIGGER trig AFTER DELETE ON tab FOR EACH ROW EXECUTE FUNCTION noted();
-- form: CREATE TRIGGER: on a view
CREATE TRIGGER new INSTEAD OF INSERT ON view FOR EACH ROW EXECUTE FUNCTION noted();
-- form: CREATE CONSTRAINT TRIGGER
CREATE CONSTRAINT TRIGGER new AFTER INSERT ON tab DEFERRABLE FOR EACH ROW EXECUTE FUNCTION noted();
-- form: CREATE CONSTRAINT TRIGGER: FROM another table
CREATE CONSTRAINT TRIGGER new AFTER INSERT ON tab FROM referenced DEFERRABLE FOR EACH ROW EXECUTE FUNCTION noted();
-- form: DROP TRIGGER
DROP TRIGGER trig ON tab;
-- form: DROP TRIGGER: IF EXISTS, missing
DROP TRIGGER IF EXISTS nothing ON tab;
-- form: ALTER TRIGGER RENAME
ALTER TRIGGER trig ON tab RENAME TO renamed;
-- form: ALTER TRIGGER DEPENDS ON EXTENSION
ALTER TRIGGER trig ON tab DEPENDS ON EXTENSION plpgsql;
-- form: CREATE POLICY
CREATE POLICY new ON tab USING (true);
-- form: CREATE POLICY: reads another table
-- role: referenced = read table
-- role: referenced_pkey = read table indexes
CREATE POLICY new ON tab USING (a IN (SELECT id FROM referenced));
-- form: ALTER POLICY
ALTER POLICY pol ON tab USING (false);
-- form: ALTER POLICY RENAME
ALTER POLICY pol ON tab RENAME TO renamed;
-- form: DROP POLICY
DROP POLICY pol ON tab;
-- form: DROP POLICY: IF EXISTS, missing
DROP POLICY IF EXISTS nothing ON tab;
-- form: CREATE RULE
CREATE RULE new AS ON DELETE TO tab WHERE OLD.id < 0 DO INSTEAD NOTHING;
-- form: DROP RULE
-- setup: CREATE RULE rul AS ON DELETE TO tab WHERE OLD.id < 0 DO INSTEAD NOTHING
DROP RULE rul ON tab;
-- form: ALTER RULE RENAME
-- setup: CREATE RULE rul AS ON DELETE TO tab WHERE OLD.id < 0 DO INSTEAD NOTHING
ALTER RULE rul ON tab RENAME TO renamed;
-- form: CREATE STATISTICS
CREATE STATISTICS new ON a, c FROM tab;
-- form: ALTER STATISTICS
ALTER STATISTICS stx SET STATISTICS 100;
-- form: DROP STATISTICS
DROP STATISTICS stx;
-- form: COMMENT ON STATISTICS
COMMENT ON STATISTICS stx IS 'text';

-- form: CREATE VIEW
-- role: tab = read table
-- role: child = other
CREATE VIEW new AS SELECT a FROM tab;
-- form: CREATE VIEW: OR REPLACE
-- role: tab = read table
-- role: child = other
CREATE OR REPLACE VIEW view AS SELECT id, w, 1 AS more FROM tab;
-- form: DROP VIEW
DROP VIEW view;
-- form: DROP VIEW: IF EXISTS, missing
DROP VIEW IF EXISTS nothing;
-- form: DROP VIEW: CASCADE
-- setup: CREATE VIEW dependent AS SELECT * FROM view
DROP VIEW view CASCADE;
-- form: ALTER VIEW RENAME
ALTER VIEW view RENAME TO renamed;
-- form: ALTER VIEW RENAME COLUMN
ALTER VIEW view RENAME COLUMN w TO renamed;
-- form: ALTER VIEW SET SCHEMA
ALTER VIEW view SET SCHEMA elsewhere;
-- form: ALTER VIEW SET (options)
ALTER VIEW view SET (security_barrier = true);
-- form: ALTER VIEW SET DEFAULT
ALTER VIEW view ALTER COLUMN w SET DEFAULT 1;
-- form: ALTER VIEW OWNER TO
ALTER VIEW view OWNER TO locks_owner;
-- form: CREATE MATERIALIZED VIEW
-- role: tab = read table
-- role: child = read table
CREATE MATERIALIZED VIEW new AS SELECT a FROM tab;
-- form: CREATE MATERIALIZED VIEW: WITH NO DATA
-- role: tab = read table
-- role: child = other
CREATE MATERIALIZED VIEW new AS SELECT a FROM tab WITH NO DATA;
-- form: DROP MATERIALIZED VIEW
DROP MATERIALIZED VIEW matview;
-- form: REFRESH MATERIALIZED VIEW
-- role: tab = read table
-- role: child = read table
REFRESH MATERIALIZED VIEW matview;
-- form: REFRESH MATERIALIZED VIEW CONCURRENTLY
-- role: tab = read table
-- role: child = read table
REFRESH MATERIALIZED VIEW CONCURRENTLY matview;
-- form: REFRESH MATERIALIZED VIEW: WITH NO DATA
-- role: tab = read table
-- role: child = other
REFRESH MATERIALIZED VIEW matview WITH NO DATA;
-- form: ALTER MATERIALIZED VIEW RENAME
ALTER MATERIALIZED VIEW matview RENAME TO renamed;
-- form: ALTER MATERIALIZED VIEW SET SCHEMA
ALTER MATERIALIZED VIEW matview SET SCHEMA elsewhere;
-- form: ALTER MATERIALIZED VIEW SET (options)
ALTER MATERIALIZED VIEW matview SET (fillfactor = 50);

-- form: CREATE SEQUENCE
CREATE SEQUENCE new;
-- form: CREATE SEQUENCE: OWNED BY
CREATE SEQUENCE new OWNED BY tab.a;
-- form: ALTER SEQUENCE
-- role: tab_s_seq = sequence
ALTER SEQUENCE tab_s_seq INCREMENT BY 2;
-- form: ALTER SEQUENCE: RESTART
-- role: tab_s_seq = sequence
ALTER SEQUENCE tab_s_seq RESTART;
-- form: ALTER SEQUENCE: AS
-- role: tab_s_seq = sequence
ALTER SEQUENCE tab_s_seq AS bigint;
-- form: ALTER SEQUENCE: OWNED BY
-- role: tab_s_seq = sequence
ALTER SEQUENCE tab_s_seq OWNED BY tab.a;
-- form: ALTER SEQUENCE: OWNED BY NONE
-- role: tab_s_seq = sequence
ALTER SEQUENCE tab_s_seq OWNED BY NONE;
-- form: ALTER SEQUENCE RENAME
-- role: tab_s_seq = sequence
ALTER SEQUENCE tab_s_seq RENAME TO renamed;
-- form: ALTER SEQUENCE OWNER TO
-- setup: CREATE SEQUENCE sequence
ALTER SEQUENCE sequence OWNER TO locks_owner;
-- form: ALTER SEQUENCE SET SCHEMA
-- setup: CREATE SEQUENCE sequence
ALTER SEQUENCE sequence SET SCHEMA elsewhere;
-- form: ALTER SEQUENCE SET LOGGED
-- majors: 15-
-- setup: CREATE UNLOGGED SEQUENCE sequence
ALTER SEQUENCE sequence SET LOGGED;
-- form: DROP SEQUENCE
-- setup: CREATE SEQUENCE sequence
DROP SEQUENCE sequence;
-- form: DROP SEQUENCE: CASCADE, default of a column
-- role: tab_s_seq = sequence
DROP SEQUENCE tab_s_seq CASCADE;
-- form: SELECT: nextval
-- role: tab_s_seq = sequence
SELECT nextval('tab_s_seq');
-- form: SELECT: setval
-- role: tab_s_seq = sequence
SELECT setval('tab_s_seq', 5000);

-- form: CREATE TYPE
CREATE TYPE new AS ENUM ('a');
-- form: CREATE TYPE: composite
CREATE TYPE new AS (a int);
-- form: ALTER TYPE ADD VALUE
ALTER TYPE mood ADD VALUE 'great';
-- form: ALTER TYPE RENAME VALUE
ALTER TYPE mood RENAME VALUE 'bad' TO 'awful';
-- form: ALTER TYPE RENAME
ALTER TYPE mood RENAME TO renamed;
-- form: ALTER TYPE SET SCHEMA
ALTER TYPE mood SET SCHEMA elsewhere;
-- form: ALTER TYPE OWNER TO
ALTER TYPE mood OWNER TO locks_owner;
-- form: DROP TYPE
-- setup: CREATE TYPE lone AS ENUM ('a')
DROP TYPE lone;
-- form: DROP TYPE: CASCADE, columns use it
DROP TYPE mood CASCADE;
-- form: CREATE DOMAIN
CREATE DOMAIN new AS int CHECK (VALUE > 0);
-- form: DROP DOMAIN
-- setup: CREATE DOMAIN lone AS int
DROP DOMAIN lone;
-- form: ALTER DOMAIN ADD CONSTRAINT
-- role: tab = user
-- role: child = user
ALTER DOMAIN dom ADD CONSTRAINT new CHECK (VALUE > -1000);
-- form: ALTER DOMAIN ADD CONSTRAINT: NOT VALID
-- role: tab = user
-- role: child = user
ALTER DOMAIN dom ADD CONSTRAINT new CHECK (VALUE > -1000) NOT VALID;
-- form: ALTER DOMAIN VALIDATE CONSTRAINT
-- setup: ALTER DOMAIN dom ADD CONSTRAINT new CHECK (VALUE > -1000) NOT VALID
-- role: tab = user
-- role: child = user
ALTER DOMAIN dom VALIDATE CONSTRAINT new;
-- form: ALTER DOMAIN SET NOT NULL
-- role: tab = user
-- role: child = user
ALTER DOMAIN dom SET NOT NULL;
-- form: ALTER DOMAIN DROP NOT NULL
-- setup: ALTER DOMAIN dom SET NOT NULL
ALTER DOMAIN dom DROP NOT NULL;
-- form: ALTER DOMAIN SET DEFAULT
ALTER DOMAIN dom SET DEFAULT 1;
-- form: ALTER DOMAIN DROP DEFAULT
ALTER DOMAIN dom DROP DEFAULT;
-- form: ALTER DOMAIN DROP CONSTRAINT
ALTER DOMAIN dom_checked DROP CONSTRAINT dom_checked_check;
-- form: ALTER DOMAIN RENAME
ALTER DOMAIN dom RENAME TO renamed;
-- form: ALTER DOMAIN RENAME CONSTRAINT
ALTER DOMAIN dom_checked RENAME CONSTRAINT dom_checked_check TO renamed;

-- form: CREATE FUNCTION
CREATE FUNCTION new() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- form: CREATE FUNCTION: OR REPLACE
CREATE OR REPLACE FUNCTION tame() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2';
-- form: CREATE FUNCTION: SQL body names a table
-- role: tab = read table
-- role: child = other
CREATE FUNCTION new() RETURNS int LANGUAGE sql AS 'SELECT a FROM tab LIMIT 1';
-- form: CREATE PROCEDURE
CREATE PROCEDURE new() LANGUAGE plpgsql AS 'BEGIN END';
-- form: ALTER FUNCTION
ALTER FUNCTION tame() STABLE;
-- form: ALTER FUNCTION RENAME
ALTER FUNCTION tame() RENAME TO renamed;
-- form: ALTER FUNCTION SET SCHEMA
ALTER FUNCTION tame() SET SCHEMA elsewhere;
-- form: ALTER FUNCTION OWNER TO
ALTER FUNCTION tame() OWNER TO locks_owner;
-- form: DROP FUNCTION
DROP FUNCTION tame();
-- form: DROP FUNCTION: CASCADE, triggers call it
DROP FUNCTION noted() CASCADE;

-- form: CREATE PUBLICATION: FOR TABLE
CREATE PUBLICATION locks_new FOR TABLE tab;
-- form: CREATE PUBLICATION: FOR ALL TABLES
CREATE PUBLICATION locks_new FOR ALL TABLES;
-- form: CREATE PUBLICATION: FOR TABLES IN SCHEMA
-- majors: 15-
CREATE PUBLICATION locks_new FOR TABLES IN SCHEMA scene;
-- form: ALTER PUBLICATION: ADD TABLE
-- setup: DROP PUBLICATION IF EXISTS locks_pub; CREATE PUBLICATION locks_pub
ALTER PUBLICATION locks_pub ADD TABLE tab;
-- form: ALTER PUBLICATION: SET TABLE
-- setup: DROP PUBLICATION IF EXISTS locks_pub; CREATE PUBLICATION locks_pub FOR TABLE referenced
ALTER PUBLICATION locks_pub SET TABLE tab;
-- form: ALTER PUBLICATION: DROP TABLE
-- setup: DROP PUBLICATION IF EXISTS locks_pub; CREATE PUBLICATION locks_pub FOR TABLE tab
ALTER PUBLICATION locks_pub DROP TABLE tab;
-- form: ALTER PUBLICATION: SET (options)
-- setup: DROP PUBLICATION IF EXISTS locks_pub; CREATE PUBLICATION locks_pub
ALTER PUBLICATION locks_pub SET (publish = 'insert');
-- form: DROP PUBLICATION
-- setup: DROP PUBLICATION IF EXISTS locks_pub; CREATE PUBLICATION locks_pub FOR TABLE tab
DROP PUBLICATION locks_pub;
-- form: CREATE SCHEMA
CREATE SCHEMA locks_new;
-- form: ALTER SCHEMA RENAME
ALTER SCHEMA elsewhere RENAME TO renamed;
-- form: ALTER SCHEMA OWNER TO
ALTER SCHEMA elsewhere OWNER TO locks_owner;
-- form: DROP SCHEMA
-- setup: CREATE SCHEMA IF NOT EXISTS lone
DROP SCHEMA lone;
-- form: DROP SCHEMA: CASCADE
-- scene: none
-- setup: CREATE TABLE member (id int PRIMARY KEY); CREATE SEQUENCE member_sequence; CREATE VIEW member_view AS SELECT 1
DROP SCHEMA scene CASCADE;
-- form: CREATE EXTENSION
-- setup: DROP EXTENSION IF EXISTS pageinspect
CREATE EXTENSION IF NOT EXISTS plpgsql;
-- form: CREATE COLLATION
CREATE COLLATION new FROM "C";
-- form: CREATE AGGREGATE
CREATE AGGREGATE new (int) (SFUNC = int4pl, STYPE = int);
-- form: CREATE OPERATOR
CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int);
-- form: CREATE CAST
CREATE CAST (mood AS int) WITH INOUT;
-- form: CREATE EVENT TRIGGER
-- setup: CREATE FUNCTION on_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'
CREATE EVENT TRIGGER locks_new ON ddl_command_end EXECUTE FUNCTION on_event();
-- form: CREATE ROLE
CREATE ROLE locks_new;
-- form: ALTER ROLE
ALTER ROLE locks_owner CREATEDB;
-- form: ALTER DATABASE SET
ALTER DATABASE postgres SET work_mem = '4MB';
-- form: SET
SET LOCAL work_mem = '4MB';
-- form: SET CONSTRAINTS
SET CONSTRAINTS ALL DEFERRED;
-- form: ALTER SYSTEM
ALTER SYSTEM RESET work_mem;
-- form: NOTIFY
NOTIFY channel;
-- form: DO
DO 'BEGIN END';
-- form: DISCARD
DISCARD PLANS;
-- form: CHECKPOINT
CHECKPOINT;
