"""Throw-away PostgreSQL servers: installations, the account that may run them, a server, a streaming standby."""

from pgsluice.rehearsal.server.installation import Installation
from pgsluice.rehearsal.server.standby import StandbyServer
from pgsluice.rehearsal.server.throwaway import MEASURING_SETTINGS, ThrowawayServer

__all__ = ["MEASURING_SETTINGS", "Installation", "StandbyServer", "ThrowawayServer"]
