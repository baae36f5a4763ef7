"""Columns with what may hang on one: what makes the tables, and what fills them."""

COLUMNS = {
    "plain": (
        "CREATE TABLE t (id bigint PRIMARY KEY, a int)",
        "INSERT INTO t SELECT i, nullif(i % 7, 0) FROM generate_series(1, 2000) i",
    ),
    "indexes": (
        """CREATE TABLE t (id bigint PRIMARY KEY, "A b" int NOT NULL DEFAULT 7, d text);
        CREATE INDEX plain ON t ("A b"); CREATE UNIQUE INDEX uq ON t ("A b", id) INCLUDE (d);
        CREATE INDEX expr ON t (("A b" + 1) DESC NULLS LAST, lower(d)) WHERE "A b" > 10;
        CREATE INDEX ops ON t (d text_pattern_ops, "A b") WITH (fillfactor = 80);
        CREATE INDEX incl ON t (d) INCLUDE ("A b"); CREATE INDEX hashed ON t USING hash ("A b")""",
        "INSERT INTO t SELECT i, i, 'd' || i FROM generate_series(1, 500) i",
    ),
    "constraints": (
        """CREATE TABLE other (x int, y int, PRIMARY KEY (x, y)); CREATE TABLE one (x int PRIMARY KEY);
        CREATE TABLE t (id bigint PRIMARY KEY, a int CONSTRAINT "Pos" CHECK (a > 0), b int,
            UNIQUE (a, b), CONSTRAINT late UNIQUE (a) DEFERRABLE INITIALLY DEFERRED, CHECK (a < b + 100000),
            CONSTRAINT both_ways FOREIGN KEY (a, b) REFERENCES other (x, y) ON UPDATE CASCADE ON DELETE CASCADE,
            FOREIGN KEY (a) REFERENCES one ON DELETE SET NULL);
        ALTER TABLE t ADD CONSTRAINT unchecked CHECK (a <> 13) NOT VALID""",
        """INSERT INTO other SELECT i, i FROM generate_series(1, 300) i; INSERT INTO one SELECT i FROM generate_series(1, 300) i;
        INSERT INTO t SELECT i, i, i FROM generate_series(1, 300) i WHERE i <> 13""",
    ),
    "key": (
        """CREATE TABLE t (id int PRIMARY KEY, v text, boss int REFERENCES t);
        CREATE TABLE child (id int PRIMARY KEY, t int NOT NULL CONSTRAINT "To T" REFERENCES t ON DELETE CASCADE, n text);
        CREATE TABLE "Other" (a int, b int, CONSTRAINT far FOREIGN KEY (b) REFERENCES t (id) ON UPDATE CASCADE DEFERRABLE)""",
        """INSERT INTO t SELECT i, 'v' || i, nullif(i / 2, 0) FROM generate_series(1, 300) i;
        INSERT INTO child SELECT i, 1 + i % 300, 'n' FROM generate_series(1, 900) i;
        INSERT INTO "Other" SELECT i, 1 + i % 300 FROM generate_series(1, 50) i""",
    ),
    "serial": (
        "CREATE TABLE t (id serial PRIMARY KEY, v text); CREATE TABLE c (t int REFERENCES t)",
        "INSERT INTO t (v) SELECT 'v' || i FROM generate_series(1, 100) i; INSERT INTO c SELECT i FROM generate_series(1, 100) i",
    ),
}
