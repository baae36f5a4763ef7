CREATE SCHEMA "Shop 1";
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0 AND VALUE < 1000);
CREATE DOMAIN email AS text CHECK (VALUE ~ '^[^@]+@[^@]+$') NOT NULL;
CREATE TYPE pair AS (a int, "b c" text);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail email UNIQUE, code varchar(4) UNIQUE, m mood NOT NULL, p positive,
    tags text[], r tstzrange, s span, j jsonb, c pair, born date CHECK (born < '1990-01-01'),
    doubled bigint GENERATED ALWAYS AS (id * 2) STORED, status text NOT NULL CHECK (status IN ('new', 'old')),
    score numeric(5, 2) CHECK (score BETWEEN 0 AND 1));
CREATE TABLE "Shop 1"."Groups" (
    id serial PRIMARY KEY, parent int REFERENCES "Shop 1"."Groups", owner bigint NOT NULL REFERENCES users,
    "select" text NOT NULL UNIQUE CHECK ("select" ~ '^[a-z]+$' AND length("select") < 20));
CREATE TABLE membership (
    u bigint REFERENCES users, g int REFERENCES "Shop 1"."Groups", since timestamptz NOT NULL, until timestamptz, PRIMARY KEY (u, g),
    CHECK (since < until));
CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL);
CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a);
ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
CREATE TABLE of_b (id int PRIMARY KEY, b int NOT NULL REFERENCES b);
CREATE TABLE one_of (id serial PRIMARY KEY, a int UNIQUE REFERENCES a, b int UNIQUE REFERENCES b, CHECK (num_nonnulls(a, b) = 1));
CREATE TABLE ring (id uuid PRIMARY KEY, next uuid NOT NULL UNIQUE REFERENCES ring);
CREATE TYPE uuids AS RANGE (subtype = uuid);
CREATE TABLE blocks (id int PRIMARY KEY, held uuids NOT NULL, EXCLUDE USING gist (held WITH &&));
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree CHECK (up < id), "row" int, k int);
CREATE TABLE covered (a int, b int);
CREATE UNIQUE INDEX ON covered (b) INCLUDE (a);
CREATE TABLE node (id uuid PRIMARY KEY, up uuid NOT NULL REFERENCES node);
CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE projects (tenant int REFERENCES tenants, id int, PRIMARY KEY (tenant, id));
CREATE TABLE people (tenant int REFERENCES tenants, id int, PRIMARY KEY (tenant, id));
CREATE TABLE tasks (
    id int PRIMARY KEY, tenant int NOT NULL, project int NOT NULL, person int,
    FOREIGN KEY (tenant, project) REFERENCES projects, FOREIGN KEY (tenant, person) REFERENCES people);
CREATE TABLE either (id int PRIMARY KEY, u bigint REFERENCES users, g int REFERENCES "Shop 1"."Groups", CHECK (num_nonnulls(u, g) = 1));
CREATE TABLE events (id bigint, at timestamptz NOT NULL, kind text NOT NULL, UNIQUE (id, at, kind)) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2024-02-01') TO ('2024-03-01') PARTITION BY LIST (kind);
CREATE TABLE events_2a PARTITION OF events_2 FOR VALUES IN ('a', 'b''b');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE TABLE hashed (id int PRIMARY KEY) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE hashed_2 PARTITION OF hashed FOR VALUES WITH (MODULUS 3, REMAINDER 2);
CREATE TABLE of_hashed (id int PRIMARY KEY, h int NOT NULL REFERENCES hashed);
CREATE TABLE one (id int PRIMARY KEY CHECK (id = 1), v text);
CREATE TABLE booking (room int, during tsrange, EXCLUDE USING gist (during WITH &&), UNIQUE (room) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE nothing ();
CREATE TABLE base (id int PRIMARY KEY, CHECK (id > 10));
CREATE TABLE derived (more text) INHERITS (base);
CREATE TABLE impossible (id int NOT NULL CHECK (id > 5 AND id < 4));
CREATE TABLE of_impossible (id int PRIMARY KEY, i int);
CREATE UNIQUE INDEX ON of_impossible (i) WHERE i > 0;
CREATE UNIQUE INDEX ON users (lower(mail::text), status);
CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a trigger acted'; END $$;
CREATE TRIGGER boom BEFORE INSERT ON node FOR EACH ROW EXECUTE FUNCTION boom();
CREATE MATERIALIZED VIEW moods AS SELECT m, count(*) FROM users GROUP BY m;
