"""The gate before contract: who still uses the old shape, as far as it can be seen."""
