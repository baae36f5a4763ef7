"""Servers and databases for tests, and which majors a run covers."""

import os
import signal
from collections import Counter
from collections.abc import Generator, Iterator
from types import FrameType
from typing import Any

import hypothesis
import pytest
from packaging.specifiers import SpecifierSet

from pgsluice.model.postgres.versions import MAJORS
from tests.support.servers import OWNER, ServerPool, TestServer, majors, missing, summary

# a slow machine is no failure; CI tries the same examples each time, so that it fails for what was changed
hypothesis.settings.register_profile(
    "pgsluice",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
hypothesis.settings.load_profile("pgsluice")

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes that compile the whole package anew were half of the time

POOL = pytest.StashKey[ServerPool]()
CHOSEN = pytest.StashKey[tuple[int, ...]]()
OUTCOMES: dict[int, Counter[str]] = {}
"""How tests ended, by the major that they ran against."""


def pytest_addoption(parser: pytest.Parser) -> None:
    chosen = os.environ.get("PGSLUICE_TEST_MAJORS", "default")
    parser.addoption("--pg-majors", default=chosen, help="'default' (18 and one older major), 'all', or a list such as 14,17")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[POOL] = ServerPool()
    try:
        config.stash[CHOSEN] = majors(config.getoption("--pg-majors"))
    except ValueError as error:
        raise pytest.UsageError(f"--pg-majors: {error}") from None
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminated)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job in the background: what tests start would ignore it, too
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that uses a server runs once for each major; one that does not fit is a skip of its own."""
    if "server" in metafunc.fixturenames:
        wanted = [SpecifierSet(_specifier(mark.args[0])) for mark in metafunc.definition.iter_markers("pg")]
        chosen = [_parameter(m, wanted) for m in metafunc.config.stash[CHOSEN]]
        metafunc.parametrize("server", chosen, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> TestServer:
    """A running server of the major that this test is for; `dsn` is its superuser's."""
    return request.config.stash[POOL].server(request.param)


@pytest.fixture
def _database_name(server: TestServer) -> Iterator[str]:
    with server.fresh_database() as name:
        yield name


@pytest.fixture
def database(server: TestServer, _database_name: str) -> str:
    """The superuser's connection string of a fresh, empty database."""
    return server.process.dsn(_database_name)


@pytest.fixture
def owner_dsn(server: TestServer, _database_name: str) -> str:
    """The connection string of an ordinary role that owns the database of the `database` fixture."""
    return server.process.dsn(_database_name, OWNER)


@pytest.fixture
def other_database(server: TestServer) -> Iterator[str]:
    """A second fresh database of the same server, to compare with."""
    with server.fresh_database() as name:
        yield server.process.dsn(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    major = getattr(getattr(item, "callspec", None), "params", {}).get("server")
    if major is not None:
        report.user_properties.append(("server", major))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Counts where the results come together, however many processes the tests run in."""
    major = dict(report.user_properties).get("server")
    if isinstance(major, int) and (report.when == "call" or report.outcome != "passed"):
        OUTCOMES.setdefault(major, Counter())[report.outcome if report.when == "call" or report.skipped else "error"] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = list(summary(OUTCOMES))
    if lines:
        terminalreporter.section("servers")
        for line in lines:
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[POOL].close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long for what it adds is a skip that says so."""
    chosen = config.getoption("--pg-majors")
    for item in items:
        major = getattr(getattr(item, "callspec", None), "params", {}).get("server", MAJORS[-1])
        for name, leaves_out in (("newest", chosen == "default" and major != MAJORS[-1]), ("thorough", chosen != "all")):
            mark = item.get_closest_marker(name)
            if mark and leaves_out:
                item.add_marker(pytest.mark.skip(reason=f"{mark.args[0]}: --pg-majors=all"))


def _parameter(major: int, wanted: list[SpecifierSet]) -> Any:
    marks = [pytest.mark.skip(reason=f"for PostgreSQL {spec}, not {major}") for spec in wanted if not spec.contains(str(major))]
    reason = missing(major)
    if reason is not None:
        marks.append(pytest.mark.skip(reason=reason))
    return pytest.param(major, marks=marks, id=f"pg{major}")


def _specifier(spec: str) -> str:
    """pg('17') means exactly that major."""
    return f"=={spec}" if spec.strip().isdigit() else spec


def _terminated(signum: int, frame: FrameType | None) -> None:
    pytest.exit("terminated by SIGTERM", returncode=143)
