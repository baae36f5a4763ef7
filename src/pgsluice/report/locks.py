"""Locks in words: the mode, the relation, and who waits."""

from pgsluice.model.steps import Lock


def lock_words(lock: Lock) -> str:
    """`ACCESS EXCLUSIVE on public.orders (blocks reads and writes)`."""
    return f"{lock.mode} on {lock.relation} ({_blocks(lock)})"


def _blocks(lock: Lock) -> str:
    if lock.mode.blocks_reads:
        return "blocks reads and writes"
    if lock.mode.blocks_writes:
        return "blocks writes"
    return "blocks SELECT FOR UPDATE" if lock.mode.blocks_application else "blocks no application query"
