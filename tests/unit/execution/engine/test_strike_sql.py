"""The texts of a strike."""

import re

from pgsluice.execution.engine import strike_sql
from pgsluice.model.postgres.versions import ServerVersion


def test_the_work_is_one_statement_and_commit_is_in_the_same_message():
    text = strike_sql.blow("ALTER TABLE t ADD a int; ALTER TABLE t ADD b int", "/* m */", lock_ms=20, total_ms=80, last_ms=125)
    outside = re.sub(r"\$_pgsluice_do\$.*\$_pgsluice_do\$", "", text, flags=re.DOTALL)
    last = [part.strip() for part in outside.split(";")][-2:]
    assert text.startswith("/* m */") and last == ["DO", "COMMIT"], "nothing but the work is under its timeouts"
    assert "lock_timeout = 20" in text and "statement_timeout = 80" in text


def test_a_tag_that_the_text_holds_is_not_used():
    sql = "COMMENT ON TABLE t IS '$_pgsluice_sql$ $_pgsluice_do$ _pgsluice_sql1'"
    text = strike_sql.one_statement(sql)
    assert sql in text
    for tag in re.findall(r"\A.*?(_pgsluice_\w+)\$.*?(_pgsluice_\w+)\$", text, re.DOTALL)[0]:
        assert tag not in sql


def test_each_strike_has_a_marker_of_its_own():
    assert strike_sql.marker() != strike_sql.marker()


def test_transaction_timeout_is_set_only_where_it_exists():
    assert "transaction_timeout = 0" not in strike_sql.opening(ServerVersion(160000)).replace("idle_in_transaction_session_timeout", "")
    assert "SET LOCAL transaction_timeout = 0" in strike_sql.opening(ServerVersion(170000))
    assert "transaction_timeout" not in strike_sql.blow("x", "", lock_ms=1, total_ms=1, last_ms=None)


def test_an_endless_comment_does_not_swallow_the_end():
    assert strike_sql.one_statement("SELECT 1 -- so").splitlines()[-1].startswith(";SET CONSTRAINTS")
