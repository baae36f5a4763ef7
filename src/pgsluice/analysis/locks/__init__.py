"""Which locks each action takes on which relations, by server version; whether it scans, rewrites, builds."""
