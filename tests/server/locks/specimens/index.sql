-- Indexes.
-- scene: plain

-- form: CREATE INDEX
CREATE INDEX new ON tab (a);
-- form: CREATE INDEX: UNIQUE
CREATE UNIQUE INDEX new ON tab (a);
-- form: CREATE INDEX: expression and predicate
CREATE INDEX new ON tab ((a + 1)) WHERE b > 0;
-- form: CREATE INDEX: IF NOT EXISTS, exists
CREATE INDEX IF NOT EXISTS tab_i_idx ON tab (i);
-- form: CREATE INDEX: hash
CREATE INDEX new ON tab USING hash (a);
-- form: CREATE INDEX: brin
CREATE INDEX new ON tab USING brin (a);
-- form: CREATE INDEX: gin
CREATE INDEX new ON tab USING gin (j);
-- form: CREATE INDEX: on a materialized view
-- role: matview = table
-- role: tab = nothing
CREATE INDEX new ON matview (w);
-- form: CREATE INDEX CONCURRENTLY
CREATE INDEX CONCURRENTLY new ON tab (a);
-- form: CREATE INDEX CONCURRENTLY: UNIQUE
CREATE UNIQUE INDEX CONCURRENTLY new ON tab (a);
-- form: CREATE INDEX CONCURRENTLY: IF NOT EXISTS, exists
CREATE INDEX CONCURRENTLY IF NOT EXISTS tab_i_idx ON tab (i);
-- form: DROP INDEX
-- role: tab_i_idx = index
DROP INDEX tab_i_idx;
-- form: DROP INDEX: IF EXISTS, missing
DROP INDEX IF EXISTS nothing;
-- form: DROP INDEX: CASCADE, referenced
-- role: index = index
-- setup: CREATE UNIQUE INDEX index ON tab (a); ALTER TABLE referencing ADD CONSTRAINT more FOREIGN KEY (id) REFERENCES tab (a)
DROP INDEX index CASCADE;
-- form: DROP INDEX CONCURRENTLY
-- role: tab_i_idx = index
DROP INDEX CONCURRENTLY tab_i_idx;
-- form: DROP INDEX CONCURRENTLY: IF EXISTS, missing
DROP INDEX CONCURRENTLY IF EXISTS nothing;
-- form: REINDEX INDEX
-- role: tab_i_idx = index
REINDEX INDEX tab_i_idx;
-- form: REINDEX TABLE
REINDEX TABLE tab;
-- form: REINDEX SCHEMA
-- scene: none
-- setup: CREATE TABLE member (id int, i int) WITH (fillfactor = 10); INSERT INTO member SELECT n, n FROM generate_series(1, 300) n; CREATE INDEX ON member (id); CREATE INDEX ON member (i)
REINDEX SCHEMA scene;
-- form: REINDEX INDEX CONCURRENTLY
-- role: tab_i_idx = index
REINDEX INDEX CONCURRENTLY tab_i_idx;
-- form: REINDEX TABLE CONCURRENTLY
REINDEX TABLE CONCURRENTLY tab;
-- form: REINDEX SCHEMA CONCURRENTLY
-- scene: none
-- setup: CREATE TABLE member (id int, i int) WITH (fillfactor = 10); INSERT INTO member SELECT n, n FROM generate_series(1, 300) n; CREATE INDEX ON member (id); CREATE INDEX ON member (i)
REINDEX SCHEMA CONCURRENTLY scene;
-- form: ALTER INDEX RENAME
-- role: tab_i_idx = index
ALTER INDEX tab_i_idx RENAME TO renamed;
-- form: ALTER INDEX RENAME: constraint
-- role: tab_k_key = index
ALTER INDEX tab_k_key RENAME TO renamed;
-- form: ALTER INDEX RENAME: a table in truth
ALTER INDEX tab RENAME TO renamed;
-- form: ALTER TABLE RENAME: an index in truth
-- role: tab_i_idx = index
ALTER TABLE tab_i_idx RENAME TO renamed;
-- form: ALTER INDEX SET (options)
-- role: tab_i_idx = index
ALTER INDEX tab_i_idx SET (fillfactor = 80);
-- form: ALTER INDEX RESET (options)
-- role: tab_i_idx = index
ALTER INDEX tab_i_idx RESET (fillfactor);
-- form: ALTER INDEX ALTER COLUMN SET STATISTICS
-- role: tab_e_idx = index
ALTER INDEX tab_e_idx ALTER COLUMN 1 SET STATISTICS 500;
-- form: ALTER INDEX DEPENDS ON EXTENSION
-- role: tab_i_idx = index
ALTER INDEX tab_i_idx DEPENDS ON EXTENSION plpgsql;
-- form: ALTER INDEX SET TABLESPACE: the same
-- role: tab_i_idx = index
ALTER INDEX tab_i_idx SET TABLESPACE pg_default;
-- form: COMMENT ON INDEX
-- role: tab_i_idx = index
COMMENT ON INDEX tab_i_idx IS 'text';
