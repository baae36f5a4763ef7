"""Matters of taste and of later cost: all of it off unless asked for."""
