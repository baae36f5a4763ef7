"""The hands: the only code that talks to a server. Takes a plan."""
