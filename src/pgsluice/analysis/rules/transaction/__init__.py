"""Transactions and what is set in them."""
