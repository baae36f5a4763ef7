ALTER TABLE lending.loan ADD CONSTRAINT not_in_future CHECK (taken < DATE '2100-01-01'), ALTER COLUMN returned SET DEFAULT NULL;
ALTER TABLE lending.book ALTER COLUMN price SET NOT NULL;
ALTER TABLE lending.member ADD CONSTRAINT member_email_key UNIQUE (email);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS loan_once ON lending.loan (member_id, book_id, taken);
