"""The only owner of psycopg: connecting, sessions, named queries, error classes, reading the catalog."""
