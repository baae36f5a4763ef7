"""When to breathe: signals from the server, one a file, and what follows from all of them together."""
