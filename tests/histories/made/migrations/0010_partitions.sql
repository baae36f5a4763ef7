CREATE TABLE lending.visit (day date NOT NULL, member_id bigint, gate int) PARTITION BY RANGE (day);
CREATE TABLE lending.visit_2024 PARTITION OF lending.visit FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX ON lending.visit (day);
INSERT INTO lending.visit SELECT DATE '2024-01-01' + n, n, 1 FROM generate_series(0, 99) n;
GRANT SELECT ON lending.visit TO PUBLIC;
