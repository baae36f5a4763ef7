ALTER TABLE payments ADD CONSTRAINT payments_amount_positive CHECK (amount_cents > 0);
ALTER TABLE payments ADD CONSTRAINT payments_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders;
