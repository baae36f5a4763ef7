-- Made by an ordinary role that owns the database; names that must be quoted, of 63 bytes, reserved.
CREATE SCHEMA "Shop"; CREATE SCHEMA empty;
SET search_path = "Shop", public;
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE DOMAIN email AS text NOT NULL DEFAULT 'x@y' CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
CREATE TYPE point3 AS (x int, "Y" numeric(10,2));
CREATE FUNCTION "Total"(a int, b mood DEFAULT 'sad') RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE "select" (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code serial,
    "Mixed Case" text COLLATE "C" DEFAULT 'it''s',
    "a""quote" varchar(20) NOT NULL,
    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa int,
    feeling mood DEFAULT 'happy',
    gone int,
    double int GENERATED ALWAYS AS (code * 2) STORED,
    at timestamptz DEFAULT '2020-01-01 00:00:00+01',
    CONSTRAINT "Positive!" CHECK (code > 0) NO INHERIT,
    CONSTRAINT both_ways UNIQUE ("Mixed Case", code) DEFERRABLE,
    EXCLUDE USING btree (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa WITH =)
);
ALTER TABLE "select" DROP COLUMN gone;
ALTER TABLE "select" ADD CONSTRAINT later CHECK (at > '2000-01-01') NOT VALID, ALTER "Mixed Case" SET STATISTICS 7,
    ALTER "Mixed Case" SET STORAGE EXTERNAL;
COMMENT ON TABLE "select" IS 'odd';
COMMENT ON COLUMN "select".code IS 'number';
GRANT SELECT (code) ON "select" TO PUBLIC;
CREATE INDEX expr ON "select" (lower("Mixed Case"), code DESC) INCLUDE (feeling) WHERE at IS NOT NULL;
CREATE UNIQUE INDEX plain_unique ON "select" (code, at);
CREATE INDEX pattern ON "select" ("Mixed Case" text_pattern_ops);
CREATE TRIGGER touched BEFORE UPDATE OF code ON "select" FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE "select" DISABLE TRIGGER touched;
CREATE RULE "no delete" AS ON DELETE TO "select" WHERE old.code = 0 DO INSTEAD NOTHING;
CREATE POLICY mine ON "select" FOR SELECT USING (code > (SELECT 0));
ALTER TABLE "select" ENABLE ROW LEVEL SECURITY;
CREATE TABLE item (
    a int, b int, select_id bigint REFERENCES "select" ON DELETE CASCADE, mail email,
    PRIMARY KEY (b, a)
);
CREATE TABLE note (b int, a int, CONSTRAINT pair FOREIGN KEY (b, a) REFERENCES item (b, a));
ALTER TABLE note ADD CONSTRAINT unsure FOREIGN KEY (b, a) REFERENCES item (b, a) NOT VALID;
CREATE TABLE base (x int, CONSTRAINT x_small CHECK (x < 10));
CREATE TABLE derived (y int) INHERITS (base);
CREATE TABLE event (id int NOT NULL, at date NOT NULL, v int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE event_2020 PARTITION OF event FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE event_2021 PARTITION OF event FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY LIST (id);
CREATE TABLE event_2021_1 PARTITION OF event_2021 FOR VALUES IN (1, 2);
CREATE TABLE event_rest PARTITION OF event DEFAULT;
CREATE TABLE event_note (id int, at date, FOREIGN KEY (id, at) REFERENCES event);
CREATE VIEW v AS SELECT code, "Mixed Case" AS m FROM "select" WHERE feeling = 'sad';
CREATE VIEW vv AS SELECT m FROM v;
CREATE MATERIALIZED VIEW mv AS SELECT i.a, v.code FROM item i, v;
CREATE INDEX ON mv (a);
CREATE SEQUENCE ticket AS smallint MAXVALUE 500;
CREATE UNLOGGED TABLE scratch (a int) WITH (fillfactor = 70);
SELECT nextval('ticket');
INSERT INTO event SELECT 3, '2020-02-02'::date + g % 300, g FROM generate_series(1, 5) g ON CONFLICT DO NOTHING;
INSERT INTO event_rest SELECT g, '2030-01-01' FROM generate_series(1, 4000) g;
INSERT INTO item SELECT g, g, NULL, 'a@b' FROM generate_series(1, 20000) g;
RESET search_path;
