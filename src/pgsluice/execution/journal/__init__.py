"""The journal: our tables in the user's database, the truth about every run. This package is their one owner."""
