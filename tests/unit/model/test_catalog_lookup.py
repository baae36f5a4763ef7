"""What hangs on tables is found as if all of them were read, whatever was asked before."""

import random
from dataclasses import replace

from pgsluice.model.catalog import Catalog, Constraint, ConstraintKind, Index, Table
from pgsluice.model.postgres.identifiers import QualifiedName
from pgsluice.model.postgres.versions import ServerVersion

NAMES = [QualifiedName("public", f"t{n}") for n in range(6)]


def some_table(chance: random.Random, name: QualifiedName) -> Table:
    index = Index(QualifiedName("public", f"i_{name.name}_{chance.randrange(3)}"), name, "")
    keys = tuple(
        Constraint(f"c{n}", name, ConstraintKind.FOREIGN_KEY, "", references=chance.choice(NAMES)) for n in range(chance.randrange(3))
    )
    return Table(name, indexes=(index,), constraints=keys, depends_on=((chance.choice(NAMES), "a"),))


def changed(chance: random.Random, catalog: Catalog) -> Catalog:
    name = chance.choice(NAMES)
    if chance.random() < 0.3:
        return replace(catalog, tables={n: t for n, t in catalog.tables.items() if n != name})
    return catalog.with_table(some_table(chance, name))


def test_lookups_agree_with_reading_everything():
    chance = random.Random(5)
    known = [Catalog(ServerVersion.of_major(18))]
    for _ in range(400):
        known.append(changed(chance, chance.choice(known[-3:])))
        catalog = chance.choice(known[-4:])
        tables = catalog.tables.values()
        for name in NAMES:
            assert catalog.foreign_keys_to(name) == tuple(c for t in tables for c in t.foreign_keys if c.references == name)
            assert catalog.views_on(name) == tuple(t for t in tables if t.depends_on[0][0] == name)
        for index in catalog.indexes():
            assert catalog.index(index.name) == index
        assert catalog.index(QualifiedName("public", "none")) is None
        for n in range(3):
            assert catalog.has_constraint("public", f"c{n}") == any(t.constraint(f"c{n}") for t in tables)
            assert not catalog.has_constraint("other", f"c{n}")
