BEGIN;
CREATE VIEW lending.open_loans AS SELECT m.name, b."Title", l.taken FROM lending.loan l
    JOIN lending.member m ON m.id = l.member_id JOIN lending.book b ON b.id = l.book_id WHERE l.returned IS NULL;
COMMENT ON VIEW lending.open_loans IS 'what is out; who has it';
CREATE MATERIALIZED VIEW lending.by_day AS SELECT taken, count(*) AS loans FROM lending.loan GROUP BY taken;
COMMIT;
