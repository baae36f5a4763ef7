-- name: settings
-- Timeouts of role or database defaults would kill a concurrent build or a validation; each step sets its own.
SET lock_timeout = 0;
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET idle_session_timeout = 0;
SET standard_conforming_strings = on;
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = 30000;

-- name: no_transaction_timeout
SET transaction_timeout = 0;

-- name: notice_dead_client
SET client_connection_check_interval = 5000;

-- name: writable
SELECT pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.current_setting('default_transaction_read_only')::boolean AS read_only;
