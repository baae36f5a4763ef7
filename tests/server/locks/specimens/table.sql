-- Tables as a whole: made, dropped, emptied, locked, maintained, read and written.
-- scene: plain

-- form: CREATE TABLE
CREATE TABLE new (a int PRIMARY KEY);
-- form: CREATE TABLE: IF NOT EXISTS, exists
CREATE TABLE IF NOT EXISTS tab (a int);
-- form: CREATE TABLE: REFERENCES
CREATE TABLE new (a int REFERENCES referenced);
-- form: CREATE TABLE: REFERENCES a partitioned table
-- scene: partitioned
-- role: referenced = other
-- role: referenced_pkey = other key
-- role: tab = referenced
-- role: tab_pkey = referenced key
-- role: partition_1 = referenced partition
-- role: partition_1_pkey = referenced partition key
-- role: partition_2 = referenced partition
-- role: partition_2_pkey = referenced partitioned partition key
-- role: partition_3 = referenced partition
-- role: partition_3_pkey = referenced partition key
-- role: partition_4 = referenced partition
-- role: partition_4_pkey = referenced partition key
CREATE TABLE new (a int REFERENCES tab);
-- form: CREATE TABLE: FOREIGN KEY
CREATE TABLE new (a int, FOREIGN KEY (a) REFERENCES referenced);
-- form: CREATE TABLE: LIKE
CREATE TABLE new (LIKE tab);
-- form: CREATE TABLE: LIKE INCLUDING ALL
-- role: tab_s_seq = default sequence
CREATE TABLE new (LIKE tab INCLUDING ALL);
-- form: CREATE TABLE: INHERITS
-- role: tab_s_seq = default sequence
-- role: tab = parent
-- role: child = sibling
CREATE TABLE new (a int) INHERITS (tab);
-- form: CREATE TABLE: default nextval
-- role: tab_s_seq = default sequence
CREATE TABLE new (a int DEFAULT nextval('tab_s_seq'));
-- form: CREATE TABLE AS
-- role: tab = read table
-- role: child = read table
CREATE TABLE new AS SELECT * FROM tab;
-- form: CREATE TABLE AS: WITH NO DATA
-- role: tab = read table
CREATE TABLE new AS SELECT * FROM ONLY tab WITH NO DATA;
-- form: SELECT INTO
-- role: tab = read table
-- role: child = read table
SELECT * INTO new FROM tab;
-- form: DROP TABLE
-- setup: DROP VIEW view; DROP MATERIALIZED VIEW matview; DROP TABLE child, referencing, other_referencing
-- role: other_referenced = referenced
-- role: other_referenced_pkey = referenced indexes
-- role: referenced_pkey = referenced indexes
DROP TABLE tab;
-- form: DROP TABLE: IF EXISTS, missing
DROP TABLE IF EXISTS nothing;
-- form: DROP TABLE: CASCADE
-- role: other_referenced = referenced
-- role: other_referenced_pkey = referenced indexes
-- role: referenced_pkey = referenced indexes
-- role: other_referencing = referencing
-- role: other_referencing_pkey = referencing indexes
DROP TABLE tab CASCADE;
-- form: DROP TABLE: child of a parent
-- role: child = table
-- role: tab = parent
DROP TABLE child;
-- form: TRUNCATE
-- setup: DROP TABLE referencing, other_referencing
TRUNCATE tab;
-- form: TRUNCATE: CASCADE
-- role: other_referencing = referencing
-- role: other_referencing_pkey = referencing indexes
TRUNCATE tab CASCADE;
-- form: TRUNCATE: ONLY
-- setup: DROP TABLE referencing, other_referencing
TRUNCATE ONLY tab;
-- form: TRUNCATE: RESTART IDENTITY
-- setup: DROP TABLE referencing, other_referencing
TRUNCATE tab RESTART IDENTITY;
-- form: TRUNCATE: with a table that references it
-- role: tab_pkey = table indexes
-- setup: DROP TABLE other_referencing
-- role: referencing = table
-- role: referencing_pkey = table indexes
TRUNCATE tab, referencing;
-- form: LOCK TABLE: ACCESS SHARE
LOCK TABLE tab IN ACCESS SHARE MODE;
-- form: LOCK TABLE: ROW SHARE
LOCK TABLE tab IN ROW SHARE MODE;
-- form: LOCK TABLE: ROW EXCLUSIVE
LOCK TABLE tab IN ROW EXCLUSIVE MODE;
-- form: LOCK TABLE: SHARE UPDATE EXCLUSIVE
LOCK TABLE tab IN SHARE UPDATE EXCLUSIVE MODE;
-- form: LOCK TABLE: SHARE
LOCK TABLE tab IN SHARE MODE;
-- form: LOCK TABLE: SHARE ROW EXCLUSIVE
LOCK TABLE tab IN SHARE ROW EXCLUSIVE MODE;
-- form: LOCK TABLE: EXCLUSIVE
LOCK TABLE tab IN EXCLUSIVE MODE;
-- form: LOCK TABLE: ACCESS EXCLUSIVE
LOCK TABLE tab IN ACCESS EXCLUSIVE MODE;
-- form: LOCK TABLE: ONLY
LOCK TABLE ONLY tab IN ACCESS EXCLUSIVE MODE;
-- form: LOCK TABLE: a view
-- role: tab = view table
-- role: child = view table
LOCK TABLE view IN ACCESS EXCLUSIVE MODE;
-- form: CLUSTER
-- role: tab_i_idx = named index
CLUSTER tab USING tab_i_idx;
-- form: VACUUM
VACUUM tab;
-- form: VACUUM: FULL
VACUUM FULL tab;
-- form: VACUUM: ANALYZE
VACUUM (ANALYZE) tab;
-- form: ANALYZE
ANALYZE tab;
-- form: ANALYZE: column
ANALYZE tab (a);
-- form: COMMENT ON TABLE
COMMENT ON TABLE tab IS 'text';
-- form: COMMENT ON COLUMN
COMMENT ON COLUMN tab.a IS 'text';
-- form: COMMENT ON CONSTRAINT
COMMENT ON CONSTRAINT tab_c_check ON tab IS 'text';
-- form: COMMENT ON TRIGGER
COMMENT ON TRIGGER trig ON tab IS 'text';
-- form: COMMENT ON POLICY
COMMENT ON POLICY pol ON tab IS 'text';
-- form: COMMENT ON VIEW
COMMENT ON VIEW view IS 'text';
-- form: COMMENT ON MATERIALIZED VIEW
COMMENT ON MATERIALIZED VIEW matview IS 'text';
-- form: COMMENT ON TYPE
COMMENT ON TYPE mood IS 'text';
-- form: COMMENT ON FUNCTION
COMMENT ON FUNCTION wild IS 'text';
-- form: COMMENT ON SCHEMA
COMMENT ON SCHEMA scene IS 'text';
-- form: COMMENT ON SEQUENCE
-- role: tab_s_seq = sequence
COMMENT ON SEQUENCE tab_s_seq IS 'text';
-- form: GRANT ON TABLE
GRANT SELECT ON tab TO PUBLIC;
-- form: GRANT ON TABLE: columns
GRANT SELECT (a) ON tab TO PUBLIC;
-- form: REVOKE ON TABLE
REVOKE SELECT ON tab FROM PUBLIC;
-- form: GRANT ON ALL TABLES IN SCHEMA
-- role: tab = granted
-- role: child = granted
-- role: referenced = granted
-- role: other_referenced = granted
-- role: referencing = granted
-- role: other_referencing = granted
-- role: view = granted
-- role: matview = granted
GRANT SELECT ON ALL TABLES IN SCHEMA scene TO PUBLIC;
-- form: GRANT ON SEQUENCE
-- role: tab_s_seq = sequence
GRANT USAGE ON SEQUENCE tab_s_seq TO PUBLIC;
-- form: GRANT ON SCHEMA
GRANT USAGE ON SCHEMA scene TO PUBLIC;
-- form: GRANT ON FUNCTION
GRANT EXECUTE ON FUNCTION wild TO PUBLIC;
-- form: GRANT ON TYPE
GRANT USAGE ON TYPE mood TO PUBLIC;
-- form: ALTER DEFAULT PRIVILEGES
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
-- form: SELECT
SELECT * FROM tab;
-- form: SELECT: by key
SELECT * FROM ONLY tab WHERE id = 1;
-- form: SELECT: FOR UPDATE, by key
SELECT * FROM tab WHERE id = 1 FOR UPDATE;
-- form: SELECT: FOR UPDATE
SELECT * FROM ONLY tab FOR UPDATE;
-- form: SELECT: through a view
-- role: tab = view table
-- role: child = view table
SELECT * FROM view;
-- form: INSERT
-- setup: DROP TABLE child
INSERT INTO tab (id, a, n, f, o) VALUES (1001, 1, 1, 1, 1);
-- form: INSERT: no foreign key
-- role: other_referenced = table
-- role: tab = nothing
INSERT INTO other_referenced VALUES (1001);
-- form: INSERT: SELECT
-- role: other_referenced = table
-- role: tab = read table
-- role: child = read table
INSERT INTO other_referenced SELECT 1000 + id FROM tab WHERE a < 5 ON CONFLICT DO NOTHING;
-- form: UPDATE
UPDATE tab SET a = 1;
-- form: UPDATE: by key
UPDATE tab SET a = 1 WHERE id = 1;
-- form: DELETE
-- setup: DROP TABLE referencing, other_referencing
DELETE FROM tab;
-- form: DELETE: referenced
-- setup: DELETE FROM referencing; DELETE FROM other_referencing
DELETE FROM ONLY tab;
-- form: MERGE
-- majors: 15-
-- role: referencing = table
-- role: tab = nothing
-- role: other_referencing = read table
MERGE INTO referencing USING other_referencing ON referencing.id = other_referencing.id WHEN MATCHED THEN DELETE;
