DROP INDEX lending.loan_member;
ALTER TABLE lending.book DROP COLUMN token, DROP COLUMN shelf;
DROP MATERIALIZED VIEW lending.by_day;
ALTER TABLE lending.member ALTER COLUMN changed SET DEFAULT timestamp '2002-01-01', ALTER COLUMN name DROP NOT NULL;
ALTER TABLE lending.fine RENAME COLUMN amount TO cents;
DELETE FROM lending.fine WHERE cents = 0;
