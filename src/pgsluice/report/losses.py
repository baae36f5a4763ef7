"""What a rollback would destroy, as a question's text."""

from collections.abc import Sequence

from pgsluice.model.progress import Loss


def losses_text(losses: Sequence[Loss]) -> str:
    """One line for each loss, with its count."""
    return "\n".join(f"would be lost with step {loss.step}: {loss.rows:,} {loss.what}" for loss in losses)
