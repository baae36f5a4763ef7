SELECT c.country, count(DISTINCT o.id), sum(p.amount_cents)
FROM customers c JOIN orders o ON o.customer_id = c.id JOIN payments p ON p.order_id = o.id
WHERE o.id BETWEEN 1 AND 2000
GROUP BY c.country;
