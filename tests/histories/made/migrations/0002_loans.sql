CREATE TABLE lending.loan (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member_id bigint NOT NULL REFERENCES lending.member (id) ON DELETE CASCADE,
    book_id int NOT NULL REFERENCES lending.book,
    taken date NOT NULL,
    returned date,
    CHECK (returned IS NULL OR returned >= taken)
);
INSERT INTO lending.loan (member_id, book_id, taken)
    SELECT n % 300 + 1, n % 500 + 1, DATE '2021-01-01' + n FROM generate_series(1, 900) n;
CREATE INDEX loan_member ON lending.loan (member_id);
