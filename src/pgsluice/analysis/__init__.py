"""The brain: SQL text and a catalog in, a plan out. Never connects."""
