\set product random(1, 5000)
SELECT name, price_cents, stock FROM products WHERE id = :product;
