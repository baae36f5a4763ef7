"""Looks at the server and changes nothing: who blocks whom, long transactions, index builds and their progress."""
