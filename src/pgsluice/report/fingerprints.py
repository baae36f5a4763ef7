"""What makes a finding the same one in the next report: not its line, which moves."""

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256

from pgsluice.model.finding import Finding


def fingerprints(found: Iterable[Finding]) -> list[str]:
    """One for each finding, in hex; those that are alike are told apart by their number."""
    seen: Counter[tuple[str, ...]] = Counter()
    made = []
    for finding in found:
        key = (finding.rule, finding.place.path, " ".join(finding.statement.split()))
        made.append(sha256("\0".join((*key, str(seen[key]))).encode(errors="surrogatepass")).hexdigest()[:40])
        seen[key] += 1
    return made
