"""Migrations of Alembic and of Django under `pgsluice guard --retry`, behind a reader that does not end by itself."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.command import COMMAND, environment, pgsluice
from tests.support.scenes import columns, holding, traffic, until
from tests.support.sql import execute

pytestmark = pytest.mark.newest("what a framework sends differs little")

ALEMBIC_ENV = """import os, psycopg, sqlalchemy
from alembic import context
engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(os.environ["DATABASE_URL"]))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ALEMBIC_REVISION = """import sqlalchemy as sa
from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.add_column("item", sa.Column("late", sa.Integer()))
"""
DJANGO_FIRST = """from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    operations = [migrations.CreateModel("Item", [("id", models.AutoField(primary_key=True))], {"db_table": "item"})]
"""
DJANGO_SECOND = """from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("shop", "0001_first")]
    operations = [migrations.AddField("Item", "late", models.IntegerField(null=True))]
"""


def alembic(folder: Path, dsn: str) -> list[str]:
    execute(dsn, "CREATE TABLE item (id int PRIMARY KEY)")
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
    (folder / "migrations" / "versions").mkdir(parents=True)
    (folder / "migrations" / "env.py").write_text(ALEMBIC_ENV)
    (folder / "migrations" / "versions" / "0001.py").write_text(ALEMBIC_REVISION)
    return [sys.executable, "-m", "alembic", "upgrade", "head"]


def django(folder: Path, dsn: str) -> list[str]:
    parts = conninfo_to_dict(dsn)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        **{k.upper(): parts[k] for k in ("host", "port", "user")},
    }
    (folder / "shop" / "migrations").mkdir(parents=True)
    for package in ("shop", "shop/migrations"):
        (folder / package / "__init__.py").write_text("")
    (folder / "shop" / "migrations" / "0001_first.py").write_text(DJANGO_FIRST)
    (folder / "settings.py").write_text(f"DATABASES = {{'default': {database!r}}}\nINSTALLED_APPS = ['shop']\nUSE_TZ = True\n")
    command = [sys.executable, "-m", "django", "migrate"]
    first = pgsluice("guard", "--", *command, cwd=folder, DATABASE_URL=dsn, DJANGO_SETTINGS_MODULE="settings", PYTHONPATH=str(folder))
    assert first.code == 0, first.err
    (folder / "shop" / "migrations" / "0002_second.py").write_text(DJANGO_SECOND)
    return command


@pytest.mark.parametrize("framework", [alembic, django])
def test_a_frameworks_migration_gets_through_once_the_reader_is_gone(owner_dsn: str, tmp_path: Path, framework):
    pytest.importorskip(framework.__name__)
    command = framework(tmp_path, owner_dsn)
    variables = {"DATABASE_URL": owner_dsn, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(tmp_path)}
    with (
        holding(owner_dsn, "SELECT count(*) FROM item", "report") as reader,
        traffic(owner_dsn, "SELECT count(*) FROM item", clients=4) as felt,
    ):
        with guarded_until_cancelled(tmp_path, command, **variables) as process:
            reader.execute("ROLLBACK")
            assert process.wait(60) == 0
    said = (tmp_path / "said").read_text()
    assert "guard: cancelled: ALTER TABLE" in said and "report" in said
    assert columns(owner_dsn, "item")[-1] == "late"
    assert felt.longest_ms < 1500 and not felt.errors


@contextmanager
def guarded_until_cancelled(folder: Path, command: list[str], **variables: str) -> Iterator[subprocess.Popen]:
    """The command under `guard --retry`; the block begins when its DDL has been cancelled once."""
    said = folder / "said"
    with (
        said.open("w") as stderr,
        subprocess.Popen(
            [*COMMAND, "guard", "--retry", "--", *command], cwd=folder, env=environment(**variables), stderr=stderr
        ) as process,
    ):
        until(lambda: "guard: cancelled" in said.read_text() or process.poll() is not None, limit_s=60)
        yield process
