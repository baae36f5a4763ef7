-- Two statements that must see the same rows, and a key that changes its type below a foreign key.
SET search_path = lending, public;
BEGIN;
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
CREATE TABLE lending.tallies (what text PRIMARY KEY, how_many bigint NOT NULL);
INSERT INTO lending.tallies SELECT 'books', count(*) FROM lending.book;
INSERT INTO lending.tallies SELECT 'books again', count(*) FROM lending.book;
COMMIT;

CREATE TYPE shelf_kind AS ENUM ('open');
CREATE TABLE shelves (id int PRIMARY KEY, kind shelf_kind, room int);
CREATE TABLE labels (id int PRIMARY KEY, shelf_id int CONSTRAINT labels_shelf REFERENCES shelves);
CREATE UNIQUE INDEX shelves_room ON shelves (room);
ALTER TABLE labels DROP CONSTRAINT labels_shelf;
ALTER TABLE labels ALTER COLUMN shelf_id TYPE text;
ALTER TABLE shelves ALTER COLUMN id TYPE text;
ALTER TABLE labels ADD CONSTRAINT labels_shelf FOREIGN KEY (shelf_id) REFERENCES shelves;
DROP INDEX shelves_room;
ALTER TABLE shelves DROP COLUMN room;
ALTER TYPE shelf_kind ADD VALUE 'closed';
