"""A pooler in front of a test server."""

from tests.support.pooler import pooler

__all__ = ["pooler"]
