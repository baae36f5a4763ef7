"""The tables in which other migration tools keep what they have done: read, and on request written as they would."""
