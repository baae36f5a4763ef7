CREATE TYPE state AS ENUM ('new', 'sent');
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text, name varchar(80) NOT NULL);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint REFERENCES customers, state state NOT NULL DEFAULT 'new',
    total numeric(10, 2) CHECK (total >= 0));
