"""SQL text to statements to actions. The only owner of the parser (libpg_query)."""
