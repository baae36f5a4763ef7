"""Which conditions can be asked of the rows before a run."""

import pytest

from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.rules.foresight import means_the_same
from pgsluice.analysis.rules.rule import Context
from pgsluice.model.catalog import Catalog
from pgsluice.model.postgres.versions import ServerVersion

FUNCTION = "CREATE OR REPLACE FUNCTION fine(a int) RETURNS boolean LANGUAGE sql AS 'SELECT a > 0'"


@pytest.mark.parametrize(
    ("earlier", "condition", "same"),
    [
        ("CREATE INDEX ON t (a)", "fine(a)", True),
        (FUNCTION, "a > 0", True),
        (FUNCTION, "fine(a)", False),
        (FUNCTION, "other(a)", False),
        ("CREATE TYPE kind AS ENUM ('x')", "a > 0", True),
        ("CREATE TYPE kind AS ENUM ('x')", "a::kind = 'x'", False),
        ("ALTER TYPE state ADD VALUE 'lost'", "state <> 'lost'", False),
        ("ALTER TYPE state ADD VALUE 'lost'", "state IN ('sent', 'lost')", False),
        ("ALTER TYPE state ADD VALUE 'lost'", "state <> 'sent'", True),
        ("ALTER TYPE state RENAME VALUE 'lost' TO 'gone'", "state <> 'lost'", False),
        ("ALTER TYPE state RENAME VALUE 'lost' TO 'gone'", "state <> 'gone'", False),
        ("ALTER TYPE pair ADD ATTRIBUTE a int", "a > 0", False),
        ("DROP DOMAIN place", "a > 0", True),
        ("DROP DOMAIN place", "a::place > 0", False),
        ("CREATE EXTENSION citext", "a = 'x'", False),
    ],
)
def test_a_condition_means_the_same_before_the_run(earlier: str, condition: str, same: bool):
    clause = added_constraint(actions(parse_statement(f"ALTER TABLE t ADD CHECK ({condition})"))[0])
    assert clause is not None
    context = Context(Catalog(ServerVersion.of_major(18)), earlier=actions(parse_statement(earlier)))
    assert means_the_same(context, clause.expression) is same
