ALTER TABLE customers ALTER COLUMN email SET NOT NULL;
CREATE UNIQUE INDEX customers_email ON customers (lower(email));
ALTER TABLE orders ADD COLUMN note text DEFAULT 'none';
