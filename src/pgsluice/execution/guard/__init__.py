"""Protects the application from other programs' DDL: watches for those who wait behind it, and cancels it in time."""
