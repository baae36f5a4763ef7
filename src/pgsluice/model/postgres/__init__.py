"""Facts about PostgreSQL itself: lock modes, versions, SQLSTATEs, identifiers."""
