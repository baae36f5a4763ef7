"""Tables and partitions."""
