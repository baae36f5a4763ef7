"""One handler for each kind of step: `handlers/<kind>.py` holds `handle`, found by name."""
