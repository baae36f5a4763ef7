"""The terminal program of `pgsluice watch`."""
