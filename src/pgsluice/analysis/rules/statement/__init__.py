"""Any statement: for what no other rule knows."""
