-- A partition `tab` of `parent`, beside a sibling and a default partition, and `candidate`, a table that could be attached.
CREATE TABLE parent_referenced (id int PRIMARY KEY) WITH (fillfactor = 10);
INSERT INTO parent_referenced SELECT n FROM generate_series(1, 5000) n;
CREATE TABLE parent (id int PRIMARY KEY, i int, f int CONSTRAINT parent_f_fkey REFERENCES parent_referenced, a int, n int,
    c int CONSTRAINT parent_c_check CHECK (c >= 0)) PARTITION BY RANGE (id);
CREATE TABLE tab PARTITION OF parent FOR VALUES FROM (1) TO (1000) WITH (fillfactor = 10);
CREATE TABLE sibling PARTITION OF parent FOR VALUES FROM (1000) TO (2000) WITH (fillfactor = 10);
CREATE TABLE default_partition PARTITION OF parent DEFAULT WITH (fillfactor = 10);
INSERT INTO parent SELECT n, n, n, n, n, n FROM generate_series(1, 3999) n WHERE n % 1000 < 300 AND n NOT BETWEEN 2000 AND 2999;
CREATE INDEX parent_i_idx ON parent (i);
CREATE INDEX tab_own_idx ON tab (n);
CREATE TABLE parent_referencing (id int PRIMARY KEY, parent_id int REFERENCES parent (id)) WITH (fillfactor = 10);
INSERT INTO parent_referencing SELECT n, 1000 + n FROM generate_series(1, 290) n;
CREATE TABLE candidate (LIKE parent) WITH (fillfactor = 10);
INSERT INTO candidate SELECT n, n, n, n, n, n FROM generate_series(2001, 2300) n;
ALTER TABLE candidate ADD CONSTRAINT parent_c_check CHECK (c >= 0);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
ANALYZE;
