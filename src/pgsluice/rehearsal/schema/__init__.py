"""The schema that a rehearsal stands on: laid out from migrations or a dump, or read from a live database without its rows."""
