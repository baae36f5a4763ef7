-- Two years of a small shop: 451,000 rows, made in a few seconds.

INSERT INTO customers (email, name, country, created_at)
SELECT 'customer' || i || '@example.com', 'Customer ' || i, (ARRAY['AT', 'BR', 'DE', 'FR', 'IN', 'JP', 'KE', 'US'])[1 + i % 8], now() - i * interval '15 minutes'
FROM generate_series(1, 50000) AS i;

INSERT INTO products (sku, name, price_cents, stock)
SELECT 'SKU-' || i, 'Product ' || i, 100 + i % 9900, 1000000
FROM generate_series(1, 5000) AS i;

INSERT INTO orders (customer_id, status, placed_at)
SELECT 1 + i * 7919::bigint % 50000, (ARRAY['paid', 'sent', 'sent', 'sent', 'new'])[1 + i % 5], now() - (120000 - i) * interval '8 minutes'
FROM generate_series(1, 120000) AS i;

INSERT INTO order_items (order_id, line, product_id, quantity, price_cents)
SELECT i, line, 1 + (i * 31 + line * 977) % 5000, 1 + i % 3, 100 + (i + line) % 9900
FROM generate_series(1, 120000) AS i, generate_series(1, 1 + (i % 2)::integer) AS line;

INSERT INTO payments (order_id, amount_cents, paid_at)
SELECT i, 100 + i % 9900, now() - (120000 - i) * interval '8 minutes'
FROM generate_series(1, 120000) AS i
WHERE i % 5 <> 4;
