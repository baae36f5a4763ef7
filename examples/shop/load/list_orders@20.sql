\set customer random(1, 50000)
SELECT id, status, placed_at FROM orders WHERE customer_id = :customer ORDER BY placed_at DESC LIMIT 10;
