-- Partitions: made, attached, detached, dropped; and the table in the middle.
-- scene: partition

-- form: CREATE TABLE PARTITION OF
CREATE TABLE new PARTITION OF parent FOR VALUES FROM (5000) TO (6000);
-- form: CREATE TABLE PARTITION OF: no default partition
-- setup: ALTER TABLE parent DETACH PARTITION default_partition; DROP TABLE default_partition
CREATE TABLE new PARTITION OF parent FOR VALUES FROM (5000) TO (6000);
-- form: CREATE TABLE PARTITION OF: DEFAULT
-- setup: ALTER TABLE parent DETACH PARTITION default_partition; DROP TABLE default_partition
CREATE TABLE new PARTITION OF parent DEFAULT;
-- form: CREATE TABLE PARTITION OF: a CHECK on the default partition proves
-- setup: ALTER TABLE default_partition ADD CHECK (id < 5000)
CREATE TABLE new PARTITION OF parent FOR VALUES FROM (5000) TO (6000);
-- form: ALTER TABLE ATTACH PARTITION
ALTER TABLE parent ATTACH PARTITION candidate FOR VALUES FROM (2000) TO (3000);
-- form: ALTER TABLE ATTACH PARTITION: no default partition
-- setup: ALTER TABLE parent DETACH PARTITION default_partition; DROP TABLE default_partition
ALTER TABLE parent ATTACH PARTITION candidate FOR VALUES FROM (2000) TO (3000);
-- form: ALTER TABLE ATTACH PARTITION: a CHECK on the candidate proves
-- setup: ALTER TABLE candidate ADD CHECK (id >= 2000 AND id < 3000), ALTER id SET NOT NULL
ALTER TABLE parent ATTACH PARTITION candidate FOR VALUES FROM (2000) TO (3000);
-- form: ALTER TABLE ATTACH PARTITION: CHECKs on both prove
-- setup: ALTER TABLE candidate ADD CHECK (id >= 2000 AND id < 3000), ALTER id SET NOT NULL; ALTER TABLE default_partition ADD CHECK (id >= 3000 AND id < 5000)
ALTER TABLE parent ATTACH PARTITION candidate FOR VALUES FROM (2000) TO (3000);
-- form: ALTER TABLE ATTACH PARTITION: indexes stand ready
-- setup: ALTER TABLE candidate ADD PRIMARY KEY (id); CREATE INDEX ON candidate (i)
ALTER TABLE parent ATTACH PARTITION candidate FOR VALUES FROM (2000) TO (3000);
-- form: ALTER TABLE ATTACH PARTITION: has the same foreign key
-- setup: ALTER TABLE candidate ADD CONSTRAINT parent_f_fkey FOREIGN KEY (f) REFERENCES parent_referenced
ALTER TABLE parent ATTACH PARTITION candidate FOR VALUES FROM (2000) TO (3000);
-- form: ALTER TABLE ATTACH PARTITION: no rows matter
-- setup: ALTER TABLE parent DETACH PARTITION default_partition; DROP TABLE default_partition; DROP TABLE parent_referencing; ALTER TABLE parent DROP CONSTRAINT parent_f_fkey; DROP INDEX parent_i_idx; ALTER TABLE parent DROP CONSTRAINT parent_pkey; ALTER TABLE candidate ADD CHECK (id >= 2000 AND id < 3000), ALTER id SET NOT NULL
ALTER TABLE parent ATTACH PARTITION candidate FOR VALUES FROM (2000) TO (3000);
-- form: ALTER TABLE ATTACH PARTITION: as DEFAULT
-- setup: ALTER TABLE parent DETACH PARTITION default_partition; DROP TABLE default_partition
ALTER TABLE parent ATTACH PARTITION candidate DEFAULT;
-- form: ALTER TABLE ATTACH PARTITION: a partitioned table
-- setup: DROP TABLE candidate; CREATE TABLE candidate (LIKE parent) PARTITION BY RANGE (id); ALTER TABLE candidate ADD CONSTRAINT parent_c_check CHECK (c >= 0); CREATE TABLE leaf PARTITION OF candidate FOR VALUES FROM (2000) TO (3000) WITH (fillfactor = 10); INSERT INTO leaf SELECT n, n, n, n, n, n FROM generate_series(2001, 2300) n
ALTER TABLE parent ATTACH PARTITION candidate FOR VALUES FROM (2000) TO (3000);
-- form: ALTER TABLE DETACH PARTITION
-- setup: DELETE FROM parent_referencing
ALTER TABLE parent DETACH PARTITION sibling;
-- form: ALTER TABLE DETACH PARTITION: referenced rows are looked for
-- setup: UPDATE parent_referencing SET parent_id = id
ALTER TABLE parent DETACH PARTITION sibling;
-- form: ALTER TABLE DETACH PARTITION: no default partition, not referenced
-- setup: ALTER TABLE parent DETACH PARTITION default_partition; DROP TABLE default_partition; DROP TABLE parent_referencing
ALTER TABLE parent DETACH PARTITION sibling;
-- form: ALTER TABLE DETACH PARTITION: the default partition
-- setup: UPDATE parent_referencing SET parent_id = id
ALTER TABLE parent DETACH PARTITION default_partition;
-- form: ALTER TABLE DETACH PARTITION CONCURRENTLY
-- setup: ALTER TABLE parent DETACH PARTITION default_partition; DROP TABLE default_partition; UPDATE parent_referencing SET parent_id = id
ALTER TABLE parent DETACH PARTITION sibling CONCURRENTLY;
-- form: ALTER TABLE DETACH PARTITION FINALIZE
-- setup: ALTER TABLE parent DETACH PARTITION default_partition; DROP TABLE default_partition; UPDATE parent_referencing SET parent_id = id
-- setup: UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'sibling'::regclass
ALTER TABLE parent DETACH PARTITION sibling FINALIZE;
-- form: DROP TABLE: a partition
-- setup: DROP TABLE parent_referencing
-- role: tab = sibling
-- role: sibling = table
-- role: sibling_pkey = table indexes
DROP TABLE sibling;
-- form: TRUNCATE: a partition
-- setup: DROP TABLE parent_referencing
TRUNCATE tab;
-- form: ALTER TABLE ADD CONSTRAINT CHECK: of a partition
ALTER TABLE tab ADD CONSTRAINT new CHECK (a > 0);
-- form: ALTER TABLE ADD CONSTRAINT CHECK: NOT VALID, of a partition
ALTER TABLE tab ADD CONSTRAINT new CHECK (a > 0) NOT VALID;
-- form: ALTER TABLE ALTER COLUMN SET NOT NULL: of a partition
ALTER TABLE tab ALTER COLUMN a SET NOT NULL;
-- form: ALTER TABLE ADD CONSTRAINT UNIQUE: of a partition
ALTER TABLE tab ADD UNIQUE (a);
-- form: CREATE INDEX: of a partition
CREATE INDEX new ON tab (a);
-- form: CREATE INDEX CONCURRENTLY: of a partition
CREATE INDEX CONCURRENTLY new ON tab (a);
-- form: DROP INDEX: of a partition
-- role: tab_own_idx = index
DROP INDEX tab_own_idx;
-- form: INSERT: of a partition
INSERT INTO tab VALUES (999, 1, 1, 1, 1, 1);
-- form: SELECT: of a partition
SELECT * FROM tab;
-- form: UPDATE: of a partition
UPDATE tab SET a = 1;
-- form: ALTER TABLE RENAME: of a partition
ALTER TABLE tab RENAME TO renamed;
-- form: ALTER TABLE SET (fillfactor): of a partition
ALTER TABLE tab SET (fillfactor = 50);
-- form: CREATE TRIGGER: of a partition
CREATE TRIGGER new AFTER INSERT ON tab FOR EACH ROW EXECUTE FUNCTION noted();
