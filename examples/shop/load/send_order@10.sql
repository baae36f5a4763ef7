\set order random(1, 120000)
UPDATE orders SET status = 'sent' WHERE id = :order;
