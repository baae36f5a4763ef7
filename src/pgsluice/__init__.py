"""pgsluice changes the schema of a busy PostgreSQL database without anyone noticing.

Programs use `pgsluice.api`; people use the `pgsluice` command.
"""

__version__ = "0.1.0"
