"""Killed, cut off or terminated at the points of what it sends, and run again: the same end as if nothing had happened.

On the newest major: every twenty-fourth message that writes, beginning at a drawn one, each with one kind of harm, in turn. With
--pg-majors=all every one that writes, on the other majors as well, and every message with every kind.
"""

import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.crash.proxy import Harm, Point
from tests.crash.scenes import SCENES
from tests.crash.stage import Stage, template, wrong
from tests.support.oracle import differences, picture
from tests.support.servers import TestServer
from tests.support.sql import rows

AT_ONCE = 3
"""Plays at the same time, each on a database of its own; they mostly wait for processes to start."""

GOOD_END = {"run": {"migration": "done", "step": "done"}, "rollback": {"migration": "rolled back", "step": "pending"}}


@pytest.fixture(scope="module")
def forward(server: TestServer) -> Iterator[Stage]:
    with template(server, SCENES["forward"]) as name:
        yield Stage(server, "forward", name)


@pytest.fixture(scope="module")
def back(server: TestServer) -> Iterator[Stage]:
    with template(server, SCENES["back"]) as name:
        yield Stage(server, "back", name)


HARMS = list(Harm)


_CHANGES = re.compile(r"\A\s*DO\b|\b(INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|COMMIT|VACUUM|ANALYZE|pg_try_advisory_lock\w*)\b")


def _changes(point: Point) -> bool:
    """A harm at a message that changes nothing leaves what a harm after the write before it leaves."""
    return _CHANGES.search(re.sub(r"--[^\n]*", "", point.sql)) is not None


def _play(stage: Stage, commands: tuple[str, ...], plays: list[tuple[Point, Harm]]) -> None:
    """Each point on a fresh database: the commands before, the last one harmed there, the last one again undisturbed."""
    expected = stage.expected()

    def play(at: tuple[Point, Harm]) -> tuple[bool, str]:
        with stage.database() as dsn:
            for command in commands[:-1]:
                stage.finish(dsn, command)
            struck, ended = stage.disturb(dsn, commands[-1], *at)
            stage.finish(dsn, commands[-1])
            return struck, ended + wrong(dsn, expected, **GOOD_END[commands[-1]])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = list(zip(plays, pool.map(play, plays), strict=True))
    bad = [f"{p.purpose} {p.number} ({' '.join(p.sql.split())[:80]}) {harm}:\n{why}" for (p, harm), (_, why) in played if why]
    assert not bad, "\n\n".join(bad)
    # a strike that needs fewer tries than the one that was counted ends some messages earlier
    assert sum(struck for _, (struck, _) in played) >= len(plays) * 0.9


def test_undisturbed_it_ends_as_plain_sql(forward):
    with forward.database() as dsn:
        forward.finish(dsn, "run")
        assert not wrong(dsn, forward.expected(), **GOOD_END["run"])


SHARE = 24
"""Of the writes one in so many is harmed, but for --pg-majors=all: all of them take minutes."""


def _share(request: pytest.FixtureRequest, plays: list[tuple[Point, Harm]]) -> list[tuple[Point, Harm]]:
    if request.config.getoption("--pg-majors") == "all":
        return plays
    first = random.randrange(SHARE)
    print(f"of {len(plays)} writes every {SHARE}th from number {first} on")
    return plays[first::SHARE]


def _in_turn(points: list[Point]) -> list[tuple[Point, Harm]]:
    return [(point, HARMS[number % len(HARMS)]) for number, point in enumerate(p for p in points if _changes(p))]


@pytest.mark.newest("a minute for each major")
@pytest.mark.parametrize("purpose", ["work", "control"])
def test_a_run_harmed_at_its_writes(request: pytest.FixtureRequest, forward, purpose):
    _play(forward, ("run",), _share(request, _in_turn(forward.points(("run",), purpose))))


@pytest.mark.newest("a minute for each major")
@pytest.mark.parametrize("purpose", ["work", "control"])
def test_a_rollback_harmed_at_its_writes(request: pytest.FixtureRequest, back, purpose):
    _play(back, ("run", "rollback"), _share(request, _in_turn(back.points(("run", "rollback"), purpose))))


EVERY = 50
"""Of the points of a twin so many are left out between two, but for --pg-majors=all."""


@pytest.mark.pg("18")
@pytest.mark.parametrize("purpose", ["work", "control"])
@pytest.mark.parametrize("commands", [("run",), ("run", "rollback")], ids=["run", "rollback"])
@pytest.mark.parametrize("change", ["twin", "renamed", "partitioned", "referenced"])
def test_a_twin_harmed_at_its_writes(request: pytest.FixtureRequest, server: TestServer, change, commands, purpose):
    name = change if commands == ("run",) else f"{change}-back"
    with template(server, SCENES[name]) as database:
        stage = Stage(server, name, database)
        plays = _in_turn(stage.points(commands, purpose))
        every = 1 if request.config.getoption("--pg-majors") == "all" else EVERY
        _play(stage, commands, plays[every // 2 :: every])


_HANGING = """
SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND (contype <> 'f' OR conparentid = 0)
UNION ALL
SELECT indexrelid::regclass || ' on ' || indrelid::regclass FROM pg_index WHERE indrelid IN ('t'::regclass, 'c'::regclass)
ORDER BY 1
"""


@pytest.mark.thorough("a minute and a half for each major; up to 17 each partition has a foreign key of its own meanwhile")
@pytest.mark.pg("!=15, !=16, !=17")
@pytest.mark.parametrize("change", ["twin", "referenced"])
def test_forward_again_after_a_harmed_rollback_of_a_twin(server: TestServer, change: str):
    """What the way back has prepared would be in the way of the new release: it is gone again. Harmed where it validates and swaps."""
    with template(server, SCENES[f"{change}-back"]) as database:
        stage = Stage(server, f"{change}-back", database)
        with stage.database() as dsn:
            stage.finish(dsn, "run")
            expected = picture(dsn), rows(dsn, _HANGING)
        every = _in_turn(stage.points(("run", "rollback"), "work"))
        plays = [(point, harm) for point, harm in every if "VALIDATE CONSTRAINT" in point.sql or "RENAME COLUMN" in point.sql]

        def play(at: tuple[Point, Harm]) -> str:
            with stage.database() as dsn:
                stage.finish(dsn, "run")
                stage.disturb(dsn, "rollback", *at)
                stage.finish(dsn, "run")
                found = picture(dsn), rows(dsn, _HANGING)
                return "" if found == expected else f"{at}: {differences(expected[0], found[0])} {set(found[1]) ^ set(expected[1])}"

        with ThreadPoolExecutor(AT_ONCE) as pool:
            bad = list(filter(None, pool.map(play, plays)))
        assert not bad, "\n".join(bad)


@pytest.mark.pg("18")
@pytest.mark.thorough("every point with every harm takes half an hour")
@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("purpose", ["work", "control"])
@pytest.mark.parametrize("commands", [("run",), ("run", "rollback")], ids=["run", "rollback"])
def test_harmed_at_every_point(forward, back, commands, purpose, harm):
    stage = forward if commands == ("run",) else back
    _play(stage, commands, [(point, harm) for point in stage.points(commands, purpose)])
