-- The journal's tables, version by version; each part runs once, in order, in one transaction (installation.py).
-- Only ever add a part. Every table has a primary key: a publication FOR ALL TABLES makes UPDATE fail without one.
-- version: 1
CREATE SCHEMA IF NOT EXISTS pgsluice;

CREATE TABLE pgsluice.version (
    version integer PRIMARY KEY,
    installed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    installed_by text NOT NULL DEFAULT current_user
);

-- One row. `fence` grows each time that a run takes the lease: whoever holds an older number may not write any more.
CREATE TABLE pgsluice.lease (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    fence bigint NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    os_user text NOT NULL,
    role text NOT NULL,
    since timestamptz NOT NULL,
    doing text NOT NULL,
    backends jsonb NOT NULL
);
INSERT INTO pgsluice.lease VALUES (true, 0, '', 0, '', '', pg_catalog.clock_timestamp(), '', '[]');

-- `position` is the order in which migrations began; `through` the last phase asked for; `plan` what a started one is
-- resumed from (stored_plan.py), null for an adopted one.
CREATE TABLE pgsluice.migration (
    name text PRIMARY KEY,
    position integer NOT NULL UNIQUE,
    checksum text NOT NULL,
    path text NOT NULL,
    state text NOT NULL,
    through text,
    plan jsonb,
    error text,
    run_by text NOT NULL DEFAULT current_user,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at timestamptz
);

CREATE TABLE pgsluice.step (
    migration text NOT NULL REFERENCES pgsluice.migration (name),
    id text NOT NULL,
    number integer NOT NULL,
    phase text NOT NULL,
    kind text NOT NULL,
    sql text NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    error text,
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (migration, id)
);

-- `position` is the cursor; it is written in the same transaction as the rows that it covers.
CREATE TABLE pgsluice.backfill (
    migration text NOT NULL,
    step text NOT NULL,
    position jsonb NOT NULL,
    rows_done bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (migration, step),
    FOREIGN KEY (migration, step) REFERENCES pgsluice.step (migration, id)
);
-- version: 2
-- Of each backfill what is wanted of it (anybody may write that, its batches read it) and its news; each worker has its cursor
-- in a row of its own. `migration` is '' for those of pgsluice.job; `step` is then its name.
ALTER TABLE pgsluice.backfill DROP CONSTRAINT backfill_migration_step_fkey;
ALTER TABLE pgsluice.backfill
    ADD COLUMN wanted text NOT NULL DEFAULT 'run',
    ADD COLUMN pace text,
    ADD COLUMN news jsonb NOT NULL DEFAULT '{}';
CREATE TABLE pgsluice.backfill_worker (
    migration text NOT NULL,
    step text NOT NULL,
    worker integer NOT NULL,
    position jsonb NOT NULL,
    rows_done bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (migration, step, worker),
    FOREIGN KEY (migration, step) REFERENCES pgsluice.backfill (migration, step) ON DELETE CASCADE
);
INSERT INTO pgsluice.backfill_worker (migration, step, worker, position, rows_done, updated_at)
SELECT migration, step, 0, position, rows_done, updated_at FROM pgsluice.backfill;
ALTER TABLE pgsluice.backfill DROP COLUMN position, DROP COLUMN rows_done;

-- Rows that could not be changed and were passed over, by their place at that time.
CREATE TABLE pgsluice.backfill_bad_row (
    migration text NOT NULL,
    step text NOT NULL,
    place text NOT NULL,
    error text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (migration, step, place),
    FOREIGN KEY (migration, step) REFERENCES pgsluice.backfill (migration, step) ON DELETE CASCADE
);

-- Backfills of the command line. `number` is what its advisory locks are made of; `fence` grows with each runner, as in the lease;
-- `job` is what it does (model/backfills.py), which is what is resumed.
CREATE TABLE pgsluice.job (
    name text PRIMARY KEY,
    number integer NOT NULL UNIQUE,
    job jsonb NOT NULL,
    state text NOT NULL,
    error text,
    fence bigint NOT NULL DEFAULT 0,
    host text NOT NULL DEFAULT '',
    pid integer NOT NULL DEFAULT 0,
    run_by text NOT NULL DEFAULT current_user,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at timestamptz
);
