"""What all formats of findings share: statements with their findings, sentences, and SQL as it is printed."""

from collections.abc import Iterator
from itertools import groupby

from pgsluice.model.finding import Finding, Findings, Severity
from pgsluice.report.locks import lock_words
from pgsluice.report.texts import counted


def by_statement(findings: Findings) -> Iterator[list[Finding]]:
    """The findings of one statement after the other."""
    for _, group in groupby(findings.found, key=lambda f: (f.place, f.statement)):
        yield list(group)


def why(finding: Finding) -> str:
    """The locks that block the application, and the work under them; '' where there are none."""
    parts = [lock_words(lock) for lock in finding.locks if lock.mode.blocks_application]
    parts += [f"reads all of {', '.join(finding.scans)}"] if finding.scans else []
    parts += ["writes the table anew"] if finding.rewrites_table else []
    return "; ".join(parts)


def script(rewrite: tuple[str, ...]) -> str:
    """The statements of a rewrite, as they run."""
    return "\n".join(f"{sql.rstrip().rstrip(';')};" for sql in rewrite)


def plain(finding: Finding) -> str:
    """The finding without its place, for formats that show one text."""
    lines = [finding.message, *([why(finding)] if why(finding) else [])]
    if finding.rewrite is not None:
        lines += ["safe way:", script(finding.rewrite)] if finding.rewrite else ["safe way: nothing; it has no effect"]
    elif finding.no_rewrite_reason:
        lines.append(f"safe way: {finding.no_rewrite_reason}")
    return "\n".join(lines)


def tally(findings: Findings) -> str:
    """`3 findings (2 errors, 1 warning) in 2 files`."""
    number = {s: sum(f.severity is s for f in findings.found) for s in Severity}
    parts = [counted(n, _NOUNS[s], _NOUNS[s] if s is Severity.INFO else None) for s, n in number.items() if n]
    said = f"{counted(len(findings.found), 'finding')} ({', '.join(parts)})" if parts else "no findings"
    return f"{said} in {counted(findings.files, 'file')}"


_NOUNS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "for information"}


def coverage(findings: Findings) -> str:
    """What every report says: how many statements were analysed."""
    return f"{findings.analysed:,} of {findings.statements:,} statements analysed"
