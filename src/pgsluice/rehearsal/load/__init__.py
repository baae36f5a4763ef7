"""A constant open-loop load of application requests, driven by a process of its own."""
