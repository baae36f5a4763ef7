"""Runs the rules, composes rewrites, orders the steps into phases, explains the choice."""
