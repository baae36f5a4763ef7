"""Made-up rows for any schema, made by the server in SQL: seeded, and true to what the catalog demands of them."""
