\set customer random(1, 50000)
UPDATE customers SET country = 'NZ' WHERE id = :customer;
