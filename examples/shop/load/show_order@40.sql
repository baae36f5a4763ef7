\set order random(1, 120000)
SELECT o.status, o.placed_at, c.name, sum(i.quantity * i.price_cents)
FROM orders o JOIN customers c ON c.id = o.customer_id JOIN order_items i ON i.order_id = o.id
WHERE o.id = :order
GROUP BY o.id, c.id;
