"""Runs plans: states, the run loop, preflight, the strike, one handler for each kind of step, undo."""
