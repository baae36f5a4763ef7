-- A partitioned table `tab` with leaves, a partition that is partitioned itself, and a default partition, all of them
-- in the role `partition`. Columns as in the plain scene.
CREATE TYPE mood AS ENUM ('fine', 'bad');
CREATE TABLE referenced (id int PRIMARY KEY, x int) WITH (fillfactor = 10);
CREATE TABLE other_referenced (id int PRIMARY KEY) WITH (fillfactor = 10);
CREATE TABLE tab (
    id int PRIMARY KEY, a int, b int, i int, e int, k int, f int, o int, n int, c int, v varchar(10), w int,
    UNIQUE (k, id),
    CONSTRAINT tab_f_fkey FOREIGN KEY (f) REFERENCES referenced,
    CONSTRAINT tab_o_fkey FOREIGN KEY (o) REFERENCES other_referenced,
    CONSTRAINT tab_n_check CHECK (n IS NOT NULL),
    CONSTRAINT tab_c_check CHECK (c >= 0)
) PARTITION BY RANGE (id);
CREATE TABLE partition_1 PARTITION OF tab FOR VALUES FROM (1) TO (1000) WITH (fillfactor = 10);
CREATE TABLE partition_2 PARTITION OF tab FOR VALUES FROM (1000) TO (2000) PARTITION BY RANGE (id);
CREATE TABLE partition_3 PARTITION OF partition_2 FOR VALUES FROM (1000) TO (2000) WITH (fillfactor = 10);
CREATE TABLE partition_4 PARTITION OF tab DEFAULT WITH (fillfactor = 10);
INSERT INTO referenced SELECT n, n FROM generate_series(1, 5000) n;
INSERT INTO other_referenced SELECT n FROM generate_series(1, 5000) n;
INSERT INTO tab SELECT n, n, n, n, n, n, n, n, n, n, n, n FROM generate_series(1, 3000) n WHERE n % 1000 < 300;
CREATE INDEX referenced_x_idx ON referenced (x);
CREATE INDEX tab_i_idx ON tab (i);
CREATE INDEX tab_e_idx ON tab ((e + 1));
CREATE TABLE referencing (id int PRIMARY KEY, k int, tab_id int, FOREIGN KEY (k, tab_id) REFERENCES tab (k, id)) WITH (fillfactor = 10);
INSERT INTO referencing SELECT n, n, n FROM generate_series(1, 290) n;
CREATE TABLE other_referencing (id int PRIMARY KEY, tab_id int REFERENCES tab (id)) WITH (fillfactor = 10);
INSERT INTO other_referencing SELECT n, n FROM generate_series(1, 290) n;
CREATE VIEW view AS SELECT id, w FROM tab;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER trig AFTER DELETE ON tab FOR EACH ROW EXECUTE FUNCTION noted();
CREATE POLICY pol ON tab USING (true);
CREATE FUNCTION wild() RETURNS int VOLATILE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
ANALYZE;
