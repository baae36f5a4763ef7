\set customer random(1, 50000)
\set product random(1, 5000)
BEGIN;
INSERT INTO orders (customer_id) VALUES (:customer);
INSERT INTO order_items (order_id, line, product_id, quantity, price_cents)
SELECT currval('orders_id_seq'), 1, id, 1, price_cents FROM products WHERE id = :product;
INSERT INTO payments (order_id, amount_cents)
SELECT currval('orders_id_seq'), price_cents FROM products WHERE id = :product;
COMMIT;
