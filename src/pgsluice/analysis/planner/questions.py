"""Questions to a live catalog, as SQL: each returns one boolean. None waits for a lock: to_regclass takes none."""

from pgsluice.model.postgres.identifiers import QualifiedName, literal


def every(questions: list[str]) -> str:
    """One question that is true when all are."""
    return questions[0] if len(questions) == 1 else "SELECT " + " AND ".join(f"({q})" for q in questions)


def negated(question: str) -> str:
    return f"SELECT NOT ({question})"


def _class(name: QualifiedName) -> str:
    return f"pg_catalog.to_regclass({literal(str(name))})"


def relation_exists(name: QualifiedName) -> str:
    return f"SELECT {_class(name)} IS NOT NULL"


def column_exists(table: QualifiedName, column: str) -> str:
    return _attribute(table, column)


def column_not_null(table: QualifiedName, column: str) -> str:
    return _attribute(table, column, "a.attnotnull")


def column_has_default(table: QualifiedName, column: str) -> str:
    return _attribute(table, column, "a.atthasdef")


def column_has_identity(table: QualifiedName, column: str) -> str:
    return _attribute(table, column, "a.attidentity <> ''")


def _attribute(table: QualifiedName, column: str, condition: str = "") -> str:
    return (
        f"SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = {_class(table)} "
        f"AND a.attname = {literal(column)} AND NOT a.attisdropped{condition and f' AND {condition}'})"
    )


def constraint_exists(table: QualifiedName, constraint: str) -> str:
    return _constraint(table, constraint)


def constraint_validated(table: QualifiedName, constraint: str) -> str:
    return _constraint(table, constraint, "k.convalidated")


def _constraint(table: QualifiedName, constraint: str, condition: str = "") -> str:
    return (
        f"SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = {_class(table)} "
        f"AND k.conname = {literal(constraint)}{condition and f' AND {condition}'})"
    )


def index_valid(name: QualifiedName) -> str:
    return f"SELECT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = {_class(name)} AND i.indisvalid)"


def type_exists(name: QualifiedName) -> str:
    return (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "
        f"WHERE n.nspname = {literal(name.schema)} AND t.typname = {literal(name.name)})"
    )


def schema_exists(name: str) -> str:
    return f"SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {literal(name)})"


def extension_exists(name: str) -> str:
    return f"SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = {literal(name)})"


def trigger_exists(table: QualifiedName, trigger: str) -> str:
    return f"SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = {_class(table)} AND t.tgname = {literal(trigger)})"


def rows_where(table: QualifiedName, condition: str) -> str:
    """The number of rows for which a condition holds."""
    return f"SELECT count(*) FROM {table} WHERE {condition}"


def policy_exists(table: QualifiedName, policy: str) -> str:
    return f"SELECT EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = {_class(table)} AND p.polname = {literal(policy)})"


def is_attached(child: QualifiedName, parent: QualifiedName) -> str:
    """Whether a partition, of a table or of an index, belongs to its parent."""
    return f"SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = {_class(child)} AND i.inhparent = {_class(parent)})"
