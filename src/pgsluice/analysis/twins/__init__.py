"""Columns side by side: a twin beside the column that changes, triggers that keep the two in step, the swap. All of it is SQL."""
