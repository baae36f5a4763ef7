CREATE INDEX orders_status_placed_at_idx ON orders (status, placed_at);
