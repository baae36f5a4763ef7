UPDATE orders SET note = NULL WHERE note = 'none';
ALTER TABLE orders ADD CONSTRAINT orders_total_limit CHECK (total < 0);
