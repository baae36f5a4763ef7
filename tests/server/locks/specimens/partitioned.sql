-- What differs on a partitioned table.
-- scene: partitioned

-- form: ALTER TABLE ADD COLUMN (partitioned)
ALTER TABLE tab ADD COLUMN new int;
-- form: ALTER TABLE ADD COLUMN: volatile default (partitioned)
ALTER TABLE tab ADD COLUMN new int DEFAULT wild();
-- form: ALTER TABLE ADD COLUMN: CHECK (partitioned)
ALTER TABLE tab ADD COLUMN new int CHECK (new > 0);
-- form: ALTER TABLE ADD COLUMN: REFERENCES (partitioned)
ALTER TABLE tab ADD COLUMN new int REFERENCES referenced;
-- form: ALTER TABLE ADD COLUMN: REFERENCES, default (partitioned)
ALTER TABLE tab ADD COLUMN new int DEFAULT 1 REFERENCES referenced;
-- form: ALTER TABLE ADD COLUMN: identity (partitioned)
-- majors: 17-
ALTER TABLE tab ADD COLUMN new int GENERATED ALWAYS AS IDENTITY;
-- form: ALTER TABLE DROP COLUMN (partitioned)
ALTER TABLE tab DROP COLUMN a;
-- form: ALTER TABLE DROP COLUMN: indexed (partitioned)
-- role: tab_i_idx = column indexes
-- role: partition_1_i_idx = partition column indexes
-- role: partition_2_i_idx = partitioned partition column indexes
-- role: partition_3_i_idx = partition column indexes
-- role: partition_4_i_idx = partition column indexes
ALTER TABLE tab DROP COLUMN i;
-- form: ALTER TABLE DROP COLUMN: foreign key (partitioned)
ALTER TABLE tab DROP COLUMN f;
-- form: ALTER TABLE RENAME COLUMN (partitioned)
ALTER TABLE tab RENAME COLUMN a TO renamed;
-- form: ALTER TABLE ALTER COLUMN SET DEFAULT (partitioned)
ALTER TABLE tab ALTER COLUMN a SET DEFAULT 1;
-- form: ALTER TABLE ALTER COLUMN SET NOT NULL (partitioned)
ALTER TABLE tab ALTER COLUMN a SET NOT NULL;
-- form: ALTER TABLE ALTER COLUMN SET NOT NULL: proved by a valid CHECK (partitioned)
ALTER TABLE tab ALTER COLUMN n SET NOT NULL;
-- form: ALTER TABLE ALTER COLUMN DROP NOT NULL (partitioned)
-- setup: ALTER TABLE tab ALTER a SET NOT NULL
ALTER TABLE tab ALTER COLUMN a DROP NOT NULL;
-- form: ALTER TABLE ALTER COLUMN SET STATISTICS (partitioned)
ALTER TABLE tab ALTER COLUMN a SET STATISTICS 500;
-- form: ALTER TABLE ALTER COLUMN SET STORAGE (partitioned)
ALTER TABLE tab ALTER COLUMN v SET STORAGE EXTERNAL;
-- form: ALTER TABLE ALTER COLUMN ADD IDENTITY (partitioned)
-- setup: ALTER TABLE tab ALTER a SET NOT NULL
ALTER TABLE tab ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY;
-- form: ALTER TABLE ALTER COLUMN TYPE: same type (partitioned)
ALTER TABLE tab ALTER COLUMN a TYPE int;
-- form: ALTER TABLE ALTER COLUMN TYPE: varchar longer (partitioned)
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: free, indexed (partitioned)
-- setup: CREATE INDEX column_index ON tab (v)
-- role: partition_1_v_idx = partition column indexes
-- role: partition_2_v_idx = partitioned partition column indexes
-- role: partition_3_v_idx = partition column indexes
-- role: partition_4_v_idx = partition column indexes
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: same type, foreign key (partitioned)
ALTER TABLE tab ALTER COLUMN f TYPE int;
-- form: ALTER TABLE ALTER COLUMN TYPE: rewrite (partitioned)
ALTER TABLE tab ALTER COLUMN a TYPE bigint;
-- form: ALTER TABLE ADD CONSTRAINT CHECK (partitioned)
ALTER TABLE tab ADD CONSTRAINT new CHECK (a > 0);
-- form: ALTER TABLE ADD CONSTRAINT CHECK: NOT VALID (partitioned)
ALTER TABLE tab ADD CONSTRAINT new CHECK (a > 0) NOT VALID;
-- form: ALTER TABLE ADD CONSTRAINT FOREIGN KEY (partitioned)
ALTER TABLE tab ADD CONSTRAINT new FOREIGN KEY (a) REFERENCES referenced;
-- form: ALTER TABLE ADD CONSTRAINT FOREIGN KEY: NOT VALID (partitioned)
-- majors: 18-
ALTER TABLE tab ADD CONSTRAINT new FOREIGN KEY (a) REFERENCES referenced NOT VALID;
-- form: ALTER TABLE ADD CONSTRAINT FOREIGN KEY: to a partitioned table
-- role: referenced = other
-- role: referenced_pkey = other key
-- role: tab = referenced
-- role: tab_pkey = referenced key
-- role: partition_1 = referenced partition
-- role: partition_2 = referenced partition
-- role: partition_3 = referenced partition
-- role: partition_4 = referenced partition
-- role: partition_1_pkey = referenced partition key
-- role: partition_2_pkey = referenced partitioned partition key
-- role: partition_3_pkey = referenced partition key
-- role: partition_4_pkey = referenced partition key
-- setup: CREATE TABLE pointing (a int) WITH (fillfactor = 10); INSERT INTO pointing SELECT n FROM generate_series(1, 290) n
-- role: pointing = table
ALTER TABLE pointing ADD CONSTRAINT new FOREIGN KEY (a) REFERENCES tab;
-- form: ALTER TABLE ADD CONSTRAINT FOREIGN KEY: to a partitioned table, NOT VALID
-- role: referenced = other
-- role: referenced_pkey = other key
-- role: tab = referenced
-- role: tab_pkey = referenced key
-- role: partition_1 = referenced partition
-- role: partition_2 = referenced partition
-- role: partition_3 = referenced partition
-- role: partition_4 = referenced partition
-- role: partition_1_pkey = referenced partition key
-- role: partition_2_pkey = referenced partitioned partition key
-- role: partition_3_pkey = referenced partition key
-- role: partition_4_pkey = referenced partition key
-- setup: CREATE TABLE pointing (a int) WITH (fillfactor = 10); INSERT INTO pointing SELECT n FROM generate_series(1, 290) n
-- role: pointing = table
ALTER TABLE pointing ADD CONSTRAINT new FOREIGN KEY (a) REFERENCES tab NOT VALID;
-- form: ALTER TABLE VALIDATE CONSTRAINT FOREIGN KEY: to a partitioned table
-- role: referenced = other
-- role: referenced_pkey = other key
-- role: tab = referenced
-- role: tab_pkey = referenced key
-- role: partition_1 = referenced partition
-- role: partition_2 = referenced partition
-- role: partition_3 = referenced partition
-- role: partition_4 = referenced partition
-- role: partition_1_pkey = referenced partition key
-- role: partition_2_pkey = referenced partitioned partition key
-- role: partition_3_pkey = referenced partition key
-- role: partition_4_pkey = referenced partition key
-- setup: CREATE TABLE pointing (a int) WITH (fillfactor = 10); INSERT INTO pointing SELECT n FROM generate_series(1, 290) n; ALTER TABLE pointing ADD CONSTRAINT new FOREIGN KEY (a) REFERENCES tab NOT VALID
-- role: pointing = table
ALTER TABLE pointing VALIDATE CONSTRAINT new;
-- form: ALTER TABLE DROP CONSTRAINT FOREIGN KEY: to a partitioned table
-- role: referenced = other
-- role: referenced_pkey = other key
-- role: tab = referenced
-- role: tab_pkey = referenced key
-- role: partition_1 = referenced partition
-- role: partition_2 = referenced partition
-- role: partition_3 = referenced partition
-- role: partition_4 = referenced partition
-- role: partition_1_pkey = referenced partition key
-- role: partition_2_pkey = referenced partitioned partition key
-- role: partition_3_pkey = referenced partition key
-- role: partition_4_pkey = referenced partition key
-- role: other_referencing = table
-- role: other_referencing_pkey = table indexes
ALTER TABLE other_referencing DROP CONSTRAINT other_referencing_tab_id_fkey;
-- form: ALTER TABLE ADD CONSTRAINT UNIQUE (partitioned)
ALTER TABLE tab ADD CONSTRAINT new UNIQUE (a, id);
-- form: ALTER TABLE ADD CONSTRAINT EXCLUDE (partitioned)
-- majors: 17-
ALTER TABLE tab ADD CONSTRAINT new EXCLUDE USING btree (a WITH =, id WITH =);
-- form: ALTER TABLE ADD CONSTRAINT PRIMARY KEY (partitioned)
-- setup: ALTER TABLE tab DROP CONSTRAINT tab_pkey CASCADE
ALTER TABLE tab ADD PRIMARY KEY (id);
-- form: ALTER TABLE ADD CONSTRAINT PRIMARY KEY: nullable column (partitioned)
-- setup: ALTER TABLE tab DROP CONSTRAINT tab_pkey CASCADE
ALTER TABLE tab ADD PRIMARY KEY (id, a);
-- form: ALTER TABLE ADD CONSTRAINT NOT NULL (partitioned)
-- majors: 18-
ALTER TABLE tab ADD CONSTRAINT new NOT NULL a;
-- form: ALTER TABLE ADD CONSTRAINT NOT NULL: NOT VALID (partitioned)
-- majors: 18-
ALTER TABLE tab ADD CONSTRAINT new NOT NULL a NOT VALID;
-- form: ALTER TABLE VALIDATE CONSTRAINT CHECK (partitioned)
-- setup: ALTER TABLE tab ADD CONSTRAINT new CHECK (a > 0) NOT VALID
ALTER TABLE tab VALIDATE CONSTRAINT new;
-- form: ALTER TABLE VALIDATE CONSTRAINT FOREIGN KEY (partitioned)
-- majors: 18-
-- setup: ALTER TABLE tab ADD CONSTRAINT new FOREIGN KEY (a) REFERENCES referenced NOT VALID
ALTER TABLE tab VALIDATE CONSTRAINT new;
-- form: ALTER TABLE VALIDATE CONSTRAINT NOT NULL (partitioned)
-- majors: 18-
-- setup: ALTER TABLE tab ADD CONSTRAINT new NOT NULL a NOT VALID
ALTER TABLE tab VALIDATE CONSTRAINT new;
-- form: ALTER TABLE DROP CONSTRAINT CHECK (partitioned)
ALTER TABLE tab DROP CONSTRAINT tab_c_check;
-- form: ALTER TABLE DROP CONSTRAINT FOREIGN KEY (partitioned)
ALTER TABLE tab DROP CONSTRAINT tab_f_fkey;
-- form: ALTER TABLE DROP CONSTRAINT UNIQUE (partitioned)
-- setup: ALTER TABLE tab ADD CONSTRAINT more UNIQUE (a, id)
-- role: more = constraint index
-- role: partition_1_a_id_key = constraint index
-- role: partition_2_a_id_key = constraint index
-- role: partition_3_a_id_key = constraint index
-- role: partition_4_a_id_key = constraint index
ALTER TABLE tab DROP CONSTRAINT more;
-- form: ALTER TABLE DROP CONSTRAINT EXCLUDE (partitioned)
-- majors: 17-
-- setup: ALTER TABLE tab ADD CONSTRAINT more EXCLUDE USING btree (a WITH =, id WITH =)
-- role: more = constraint index
-- role: partition_1_a_id_excl = constraint index
-- role: partition_2_a_id_excl = constraint index
-- role: partition_3_a_id_excl = constraint index
-- role: partition_4_a_id_excl = constraint index
ALTER TABLE tab DROP CONSTRAINT more;
-- form: ALTER TABLE RENAME CONSTRAINT CHECK (partitioned)
ALTER TABLE tab RENAME CONSTRAINT tab_c_check TO renamed;
-- form: ALTER TABLE RENAME (partitioned)
ALTER TABLE tab RENAME TO renamed;
-- form: ALTER TABLE SET SCHEMA (partitioned)
ALTER TABLE tab SET SCHEMA elsewhere;
-- form: ALTER TABLE OWNER TO (partitioned)
ALTER TABLE tab OWNER TO locks_owner;
-- form: ALTER TABLE DISABLE TRIGGER (partitioned)
ALTER TABLE tab DISABLE TRIGGER trig;
-- form: ALTER TABLE ENABLE TRIGGER (partitioned)
ALTER TABLE tab ENABLE TRIGGER trig;
-- form: ALTER TABLE DISABLE TRIGGER USER (partitioned)
ALTER TABLE tab DISABLE TRIGGER USER;
-- form: ALTER TABLE REPLICA IDENTITY FULL (partitioned)
ALTER TABLE tab REPLICA IDENTITY FULL;
-- form: ALTER TABLE ENABLE ROW LEVEL SECURITY (partitioned)
ALTER TABLE tab ENABLE ROW LEVEL SECURITY;
-- form: CREATE INDEX (partitioned)
CREATE INDEX new ON tab (a);
-- form: CREATE INDEX: ON ONLY (partitioned)
CREATE INDEX new ON ONLY tab (a);
-- form: CREATE INDEX: IF NOT EXISTS, exists (partitioned)
CREATE INDEX IF NOT EXISTS tab_i_idx ON tab (i);
-- form: ALTER INDEX ATTACH PARTITION
-- setup: CREATE INDEX index ON ONLY tab (a); CREATE INDEX attached_index ON partition_1 (a)
-- role: index = index
-- role: partition_2 = other
-- role: partition_3 = other
-- role: partition_4 = other
ALTER INDEX index ATTACH PARTITION attached_index;
-- form: DROP INDEX (partitioned)
-- role: tab_i_idx = index
-- role: partition_1_i_idx = attached index
-- role: partition_2_i_idx = attached partitioned index
-- role: partition_3_i_idx = attached index
-- role: partition_4_i_idx = attached index
DROP INDEX tab_i_idx;
-- form: REINDEX INDEX (partitioned)
-- role: tab_i_idx = index
-- role: partition_1_i_idx = attached index
-- role: partition_2_i_idx = attached partitioned index
-- role: partition_3_i_idx = attached index
-- role: partition_4_i_idx = attached index
REINDEX INDEX tab_i_idx;
-- form: REINDEX INDEX CONCURRENTLY (partitioned)
-- role: tab_i_idx = index
-- role: partition_1_i_idx = attached index
-- role: partition_2_i_idx = attached partitioned index
-- role: partition_3_i_idx = attached index
-- role: partition_4_i_idx = attached index
REINDEX INDEX CONCURRENTLY tab_i_idx;
-- form: REINDEX TABLE (partitioned)
REINDEX TABLE tab;
-- form: REINDEX TABLE CONCURRENTLY (partitioned)
REINDEX TABLE CONCURRENTLY tab;
-- form: ALTER INDEX RENAME (partitioned)
-- role: tab_i_idx = index
ALTER INDEX tab_i_idx RENAME TO renamed;
-- form: DROP TABLE (partitioned)
-- setup: DROP VIEW view; DROP TABLE referencing, other_referencing
-- role: other_referenced = referenced
-- role: other_referenced_pkey = referenced indexes
-- role: referenced_pkey = referenced indexes
DROP TABLE tab;
-- form: TRUNCATE (partitioned)
-- setup: DROP TABLE referencing, other_referencing
TRUNCATE tab;
-- form: TRUNCATE: CASCADE (partitioned)
-- role: other_referencing = referencing
-- role: other_referencing_pkey = referencing indexes
TRUNCATE tab CASCADE;
-- form: LOCK TABLE: ACCESS EXCLUSIVE (partitioned)
LOCK TABLE tab IN ACCESS EXCLUSIVE MODE;
-- form: CREATE TRIGGER (partitioned)
CREATE TRIGGER new AFTER INSERT ON tab FOR EACH ROW EXECUTE FUNCTION noted();
-- form: CREATE TRIGGER: for each statement (partitioned)
CREATE TRIGGER new AFTER INSERT ON tab EXECUTE FUNCTION noted();
-- form: DROP TRIGGER (partitioned)
DROP TRIGGER trig ON tab;
-- form: ALTER TRIGGER RENAME (partitioned)
ALTER TRIGGER trig ON tab RENAME TO renamed;
-- form: ANALYZE (partitioned)
ANALYZE tab;
-- form: VACUUM (partitioned)
VACUUM tab;
-- form: VACUUM: FULL (partitioned)
VACUUM FULL tab;
-- form: COMMENT ON TABLE (partitioned)
COMMENT ON TABLE tab IS 'text';
-- form: GRANT ON TABLE (partitioned)
GRANT SELECT ON tab TO PUBLIC;
-- form: CREATE STATISTICS (partitioned)
CREATE STATISTICS new ON a, b FROM tab;
-- form: SELECT (partitioned)
SELECT * FROM tab;
-- form: SELECT: by key (partitioned)
SELECT * FROM tab WHERE i = 1;
-- form: INSERT (partitioned)
INSERT INTO tab (id, n, f, o) VALUES (999, 1, 1, 1), (1999, 1, 1, 1), (2999, 1, 1, 1);
-- form: UPDATE: by key (partitioned)
UPDATE tab SET a = 1 WHERE i = 1;
-- form: UPDATE (partitioned)
UPDATE tab SET a = 1;
-- form: DELETE (partitioned)
-- setup: DROP TABLE referencing, other_referencing
DELETE FROM tab;
