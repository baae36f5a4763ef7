CREATE TABLE lending.fine (loan_id bigint PRIMARY KEY REFERENCES lending.loan, amount numeric NOT NULL DEFAULT 0);
INSERT INTO lending.fine SELECT id, 1 FROM lending.loan WHERE id % 7 = 0;
ALTER TABLE lending.loan ADD COLUMN fined boolean NOT NULL DEFAULT false;
UPDATE lending.loan SET fined = true WHERE id IN (SELECT loan_id FROM lending.fine);
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = 'fine_amount') THEN
        CREATE INDEX fine_amount ON lending.fine (amount);
    END IF;
END
$$;
