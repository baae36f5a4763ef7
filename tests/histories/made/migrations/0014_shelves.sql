-- A label of an enum, and its use.
SET search_path = lending, public;
ALTER TYPE shelf_kind ADD VALUE 'cellar';
INSERT INTO shelves VALUES ('a', 'cellar');
ALTER TABLE shelves ALTER COLUMN kind SET DEFAULT 'cellar';
