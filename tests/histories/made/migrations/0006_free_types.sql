SET search_path = lending, public;
ALTER TABLE member ALTER COLUMN email TYPE varchar(200);
ALTER TABLE book ADD COLUMN shelf smallint DEFAULT 1 NOT NULL, ADD COLUMN token text;
ALTER TYPE condition ADD VALUE 'lost';
