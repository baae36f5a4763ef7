"""The rules of other linters, and which of ours see the same: what somebody told them not to say we do not say either.

It silences `check` alone. It is no permission: `plan` and `run` want an `allow` with a reason."""

from collections.abc import Iterable, Iterator, Mapping

from pgsluice.analysis.parsing.foreign_directives import EUGENE, EVERYTHING, SQUAWK, WORDS
from pgsluice.analysis.parsing.statement import Directive, Statement

_Rules = Mapping[str, tuple[str, ...]]

_SQUAWK: _Rules = {
    "adding-field-with-default": ("volatile-default-rewrite",),
    "adding-foreign-key-constraint": ("foreign-key-scan", "inline-constraint-scan"),
    "adding-not-null-field": ("set-not-null-scan", "not-null-without-default"),
    "adding-not-nullable-field": ("set-not-null-scan", "not-null-without-default"),
    "adding-primary-key-constraint": ("blocking-unique-build", "nullable-primary-key"),
    "adding-required-field": ("not-null-without-default",),
    "adding-serial-primary-key-field": ("serial-rewrite", "identity-rewrite", "blocking-unique-build"),
    "ban-alter-domain-with-add-constraint": ("work-under-lock",),
    "ban-char-field": (),
    "ban-concurrent-index-creation-in-transaction": ("concurrently-in-transaction",),
    "ban-create-domain-with-constraint": (),
    "ban-drop-column": ("drop-column",),
    "ban-drop-database": (),
    "ban-drop-not-null": (),
    "ban-drop-table": ("drop-table",),
    "ban-duplicate-column-assignments": (),
    "ban-truncate-cascade": ("truncate",),
    "ban-uncommitted-transaction": (),
    "changing-column-type": ("type-change-rewrite",),
    "constraint-missing-not-valid": ("check-scan", "foreign-key-scan", "inline-constraint-scan", "constraint-validated-at-once"),
    "disallowed-unique-constraint": ("blocking-unique-build",),
    "identifier-too-long": (),
    "prefer-big-int": (),
    "prefer-bigint-over-int": (),
    "prefer-bigint-over-smallint": (),
    "prefer-identity": (),
    "prefer-repack": ("table-repack",),
    "prefer-robust-stmts": (),
    "prefer-text-field": (),
    "prefer-timestamp-tz": (),
    "prefer-timestamptz": (),
    "renaming-column": ("rename-column",),
    "renaming-table": ("rename-table",),
    "require-concurrent-index-creation": ("blocking-index-build",),
    "require-concurrent-index-deletion": ("blocking-index-drop",),
    "require-concurrent-partition-detach": ("detach-partition-scan",),
    "require-concurrent-reindex": ("blocking-reindex",),
    "require-enum-value-ordering": (),
    "require-table-schema": (),
    "require-timeout-settings": ("lock-without-timeout",),
    "syntax-error": (),
    "transaction-nesting": (),
    "unused-ignore": (),
}
"""Squawk 2.63's rules, and names that earlier releases had."""

_EUGENE: _Rules = {
    "E1": ("check-scan", "foreign-key-scan", "inline-constraint-scan", "constraint-validated-at-once"),
    "E2": ("set-not-null-scan",),
    "E3": (),
    "E4": ("work-under-lock", "constraint-validated-at-once"),
    "E5": ("type-change-rewrite",),
    "E6": ("blocking-index-build",),
    "E7": ("blocking-unique-build",),
    "E8": ("exclusion-build",),
    "E9": ("lock-without-timeout",),
    "E10": ("type-change-rewrite", "storage-rewrite", "table-repack", "volatile-default-rewrite", "blocking-reindex"),
    "E11": ("serial-rewrite", "identity-rewrite", "generated-column-rewrite"),
    "E15": ("foreign-key-without-index",),
    "W12": (),
    "W13": (),
    "W14": ("nullable-primary-key",),
}
"""Eugene 0.8.3's hints (hint_data.rs)."""

TABLES: Mapping[str, _Rules] = {SQUAWK: _SQUAWK, EUGENE: _EUGENE}


def silenced(statement: Statement) -> frozenset[str] | None:
    """Our rules of which the statement's directives for other linters want to hear nothing; None: of none at all."""
    told = [d for d in statement.directives if d.word in WORDS]
    if any(d.rule == EVERYTHING for d in told):
        return None
    return frozenset(rule for d in told for rule in TABLES[d.word].get(d.rule or "", ()))


def unknown(statements: Iterable[Statement]) -> Iterator[str]:
    """What to say of names that their linter does not know, each once."""
    told = dict.fromkeys(d for s in statements for d in s.directives if d.word in WORDS)
    return (_unknown(d) for d in told if d.rule != EVERYTHING and d.rule not in TABLES[d.word])


def _unknown(directive: Directive) -> str:
    return f"{directive.place}: `{directive.word}` names {directive.rule!r}, which is no rule of that linter's, and silences nothing"
