-- ALTER COLUMN TYPE: what is free, what verifies, what rewrites.
-- scene: plain

-- form: ALTER TABLE ALTER COLUMN TYPE: same type
ALTER TABLE tab ALTER COLUMN a TYPE int;
-- form: ALTER TABLE ALTER COLUMN TYPE: varchar longer
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: varchar without a limit
ALTER TABLE tab ALTER COLUMN v TYPE varchar;
-- form: ALTER TABLE ALTER COLUMN TYPE: varchar to text
ALTER TABLE tab ALTER COLUMN v TYPE text;
-- form: ALTER TABLE ALTER COLUMN TYPE: text to varchar
ALTER TABLE tab ALTER COLUMN t TYPE varchar;
-- form: ALTER TABLE ALTER COLUMN TYPE: varchar shorter
ALTER TABLE tab ALTER COLUMN v TYPE varchar(5);
-- form: ALTER TABLE ALTER COLUMN TYPE: text to varchar with a limit
ALTER TABLE tab ALTER COLUMN t TYPE varchar(50);
-- form: ALTER TABLE ALTER COLUMN TYPE: char to longer char
ALTER TABLE tab ALTER COLUMN ch TYPE char(10);
-- form: ALTER TABLE ALTER COLUMN TYPE: char to varchar
ALTER TABLE tab ALTER COLUMN ch TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: char to text
ALTER TABLE tab ALTER COLUMN ch TYPE text;
-- form: ALTER TABLE ALTER COLUMN TYPE: varchar array longer
ALTER TABLE tab ALTER COLUMN arr TYPE varchar(20)[];
-- form: ALTER TABLE ALTER COLUMN TYPE: varchar array to text array
ALTER TABLE tab ALTER COLUMN arr TYPE text[];
-- form: ALTER TABLE ALTER COLUMN TYPE: numeric with more digits
ALTER TABLE tab ALTER COLUMN q TYPE numeric(10,2);
-- form: ALTER TABLE ALTER COLUMN TYPE: numeric without limits
ALTER TABLE tab ALTER COLUMN q TYPE numeric;
-- form: ALTER TABLE ALTER COLUMN TYPE: numeric with another scale
ALTER TABLE tab ALTER COLUMN q TYPE numeric(10,3);
-- form: ALTER TABLE ALTER COLUMN TYPE: numeric with fewer digits
ALTER TABLE tab ALTER COLUMN q TYPE numeric(6,2);
-- form: ALTER TABLE ALTER COLUMN TYPE: int to bigint
ALTER TABLE tab ALTER COLUMN a TYPE bigint;
-- form: ALTER TABLE ALTER COLUMN TYPE: int to oid
ALTER TABLE tab ALTER COLUMN a TYPE oid;
-- form: ALTER TABLE ALTER COLUMN TYPE: int to text
ALTER TABLE tab ALTER COLUMN a TYPE text;
-- form: ALTER TABLE ALTER COLUMN TYPE: int to domain without constraints
ALTER TABLE tab ALTER COLUMN a TYPE dom;
-- form: ALTER TABLE ALTER COLUMN TYPE: int to domain with CHECK
ALTER TABLE tab ALTER COLUMN a TYPE dom_checked;
-- form: ALTER TABLE ALTER COLUMN TYPE: int to domain NOT NULL
ALTER TABLE tab ALTER COLUMN a TYPE dom_not_null;
-- form: ALTER TABLE ALTER COLUMN TYPE: domain to its base type
ALTER TABLE tab ALTER COLUMN d TYPE int;
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamp with more precision
ALTER TABLE tab ALTER COLUMN z TYPE timestamp(6);
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamp with default precision
ALTER TABLE tab ALTER COLUMN z TYPE timestamp;
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamp with less precision
ALTER TABLE tab ALTER COLUMN z TYPE timestamp(0);
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamp to timestamptz, TimeZone UTC
-- session: SET TimeZone = 'UTC'
ALTER TABLE tab ALTER COLUMN z TYPE timestamptz;
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamptz to timestamp, TimeZone UTC
-- session: SET TimeZone = 'UTC'
ALTER TABLE tab ALTER COLUMN zz TYPE timestamp;
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamp to timestamptz, TimeZone Etc/UTC
-- session: SET TimeZone = 'Etc/UTC'
ALTER TABLE tab ALTER COLUMN z TYPE timestamptz;
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamp to timestamptz, TimeZone GMT0
-- session: SET TimeZone = 'GMT0'
ALTER TABLE tab ALTER COLUMN z TYPE timestamptz;
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamp to timestamptz, TimeZone GMT
-- session: SET TimeZone = 'GMT'
ALTER TABLE tab ALTER COLUMN z TYPE timestamptz;
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamp to timestamptz, another TimeZone
-- session: SET TimeZone = 'Europe/London'
ALTER TABLE tab ALTER COLUMN z TYPE timestamptz;
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamptz to timestamp, another TimeZone
-- session: SET TimeZone = 'Europe/London'
ALTER TABLE tab ALTER COLUMN zz TYPE timestamp;
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamp to timestamptz with a precision
-- session: SET TimeZone = 'UTC'
ALTER TABLE tab ALTER COLUMN z TYPE timestamptz(3);
-- form: ALTER TABLE ALTER COLUMN TYPE: timestamp to timestamptz by USING AT TIME ZONE
-- session: SET TimeZone = 'UTC'
ALTER TABLE tab ALTER COLUMN z TYPE timestamptz USING z AT TIME ZONE 'UTC';
-- form: ALTER TABLE ALTER COLUMN TYPE: cidr to inet
ALTER TABLE tab ALTER COLUMN ip TYPE inet;
-- form: ALTER TABLE ALTER COLUMN TYPE: jsonb to json
ALTER TABLE tab ALTER COLUMN j TYPE json USING j::json;
-- form: ALTER TABLE ALTER COLUMN TYPE: enum to text
ALTER TABLE tab ALTER COLUMN en TYPE text;
-- form: ALTER TABLE ALTER COLUMN TYPE: USING another column
ALTER TABLE tab ALTER COLUMN a TYPE int USING b;
-- form: ALTER TABLE ALTER COLUMN TYPE: USING itself
ALTER TABLE tab ALTER COLUMN v TYPE text USING v;
-- form: ALTER TABLE ALTER COLUMN TYPE: USING a cast of itself
ALTER TABLE tab ALTER COLUMN v TYPE text USING v::text;
-- form: ALTER TABLE ALTER COLUMN TYPE: other collation
ALTER TABLE tab ALTER COLUMN t TYPE text COLLATE "C";
-- form: ALTER TABLE ALTER COLUMN TYPE: other collation, indexed
-- setup: CREATE INDEX tab_t_idx ON tab (t)
-- role: tab_t_idx = column indexes
ALTER TABLE tab ALTER COLUMN t TYPE text COLLATE "C";
-- form: ALTER TABLE ALTER COLUMN TYPE: free, indexed
-- setup: CREATE INDEX tab_v_idx ON tab (v)
-- role: tab_v_idx = column indexes
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: free, other opclass family, indexed
-- setup: CREATE INDEX tab_z_idx ON tab (z)
-- role: tab_z_idx = column indexes
-- session: SET TimeZone = 'UTC'
ALTER TABLE tab ALTER COLUMN z TYPE timestamptz;
-- form: ALTER TABLE ALTER COLUMN TYPE: varchar to text, indexed
-- setup: CREATE INDEX tab_v_idx ON tab (v)
-- role: tab_v_idx = column indexes
ALTER TABLE tab ALTER COLUMN v TYPE text;
-- form: ALTER TABLE ALTER COLUMN TYPE: same type, indexed
-- role: tab_i_idx = column indexes
ALTER TABLE tab ALTER COLUMN i TYPE int;
-- form: ALTER TABLE ALTER COLUMN TYPE: free, in an index expression
-- setup: CREATE INDEX tab_v_idx ON tab (lower(v))
-- role: tab_v_idx = column indexes
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: free, in an index predicate
-- setup: CREATE INDEX tab_v_idx ON tab (id) WHERE v <> ''
-- role: tab_v_idx = column indexes
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: free, key of a partial index
-- setup: CREATE INDEX tab_v_idx ON tab (v) WHERE id > 0
-- role: tab_v_idx = column indexes
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: free, INCLUDE of an index
-- setup: CREATE INDEX tab_v_idx ON tab (id) INCLUDE (v)
-- role: tab_v_idx = column indexes
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: free, unique constraint
-- setup: ALTER TABLE tab ADD CONSTRAINT tab_v_key UNIQUE (v)
-- role: tab_v_key = column indexes
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: free, column has a CHECK
-- setup: ALTER TABLE tab ADD CHECK (v <> 'no')
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: free, column has a NOT VALID CHECK
-- setup: ALTER TABLE tab ADD CHECK (v <> 'no') NOT VALID
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: same type, column has a CHECK
ALTER TABLE tab ALTER COLUMN c TYPE int;
-- form: ALTER TABLE ALTER COLUMN TYPE: same type, foreign key
ALTER TABLE tab ALTER COLUMN f TYPE int;
-- form: ALTER TABLE ALTER COLUMN TYPE: free, foreign key
-- setup: CREATE TABLE names_referenced (v varchar(10) PRIMARY KEY) WITH (fillfactor = 10); INSERT INTO names_referenced SELECT n FROM generate_series(1, 300) n; ALTER TABLE tab ADD CONSTRAINT fk FOREIGN KEY (v) REFERENCES names_referenced; ANALYZE names_referenced
-- role: names_referenced = referenced
-- role: names_referenced_pkey = referenced key
-- setup: DROP TABLE referenced CASCADE
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: free, referenced
-- setup: CREATE UNIQUE INDEX tab_v_key ON tab (v); CREATE TABLE names_referencing (v varchar(10) REFERENCES tab (v)) WITH (fillfactor = 10); INSERT INTO names_referencing SELECT n FROM generate_series(1, 300) n; ANALYZE names_referencing
-- role: tab_v_key = column indexes
-- setup: DROP TABLE referencing
-- role: names_referencing = referencing
ALTER TABLE tab ALTER COLUMN v TYPE varchar(20);
-- form: ALTER TABLE ALTER COLUMN TYPE: same type, referenced
-- role: tab_k_key = column indexes
ALTER TABLE tab ALTER COLUMN k TYPE int;
-- form: ALTER TABLE ALTER COLUMN TYPE: rewrite, foreign key
ALTER TABLE tab ALTER COLUMN f TYPE bigint;
-- form: ALTER TABLE ALTER COLUMN TYPE: rewrite, referenced
-- role: tab_k_key = column indexes
ALTER TABLE tab ALTER COLUMN k TYPE bigint;
-- form: ALTER TABLE ALTER COLUMN TYPE: rewrite, indexed
-- role: tab_i_idx = column indexes
ALTER TABLE tab ALTER COLUMN i TYPE bigint;
-- form: ALTER TABLE ALTER COLUMN TYPE: rewrite, column has a CHECK
ALTER TABLE tab ALTER COLUMN c TYPE bigint;
-- form: ALTER TABLE ALTER COLUMN TYPE: rewrite, serial
-- role: tab_s_seq = column sequence
ALTER TABLE tab ALTER COLUMN s TYPE bigint;
-- form: ALTER TABLE ALTER COLUMN TYPE: rewrite, identity
-- role: tab_g_seq = column sequence
ALTER TABLE tab ALTER COLUMN g TYPE bigint;
-- form: ALTER TABLE ALTER COLUMN TYPE: rewrite, generated column
ALTER TABLE tab ALTER COLUMN r TYPE bigint;
