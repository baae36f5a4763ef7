"""Rehearsal: a throw-away server, a schema with rows, load on it, and what the application felt meanwhile."""
