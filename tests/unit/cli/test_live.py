"""The terminal program, driven by its keys, on looks that are made up."""

import asyncio
from dataclasses import replace

import pytest
from textual.widgets import OptionList

from pgsluice.model.snapshot import Backend, Counts, Holding, LockQueues, LockWait, Runs, RunStep, Snapshot

pytest.importorskip("textual")

from pgsluice.cli.live.program import Controls, LiveProgram
from pgsluice.cli.live.screens import Confirm, Help

AE, AS = "ACCESS EXCLUSIVE", "ACCESS SHARE"


def jam(readers: int = 80) -> Snapshot:
    """A reader, an ALTER that waits for it, and so many readers behind."""
    reader = Backend(
        8757, application="report", user="app", state="idle in transaction", state_s=47.0, age_s=48.0, query="SELECT [count](*)"
    )
    alter = Backend(12, application="deploy", state="active", state_s=1.2, query="ALTER TABLE orders ADD COLUMN note text")
    shop = tuple(Backend(100 + n, application="shop", state="active", state_s=1.0, query="SELECT 1") for n in range(readers))
    waits = (
        LockWait("12", "relation", AE, "public.orders", "public.orders", 1.2, ("8757",)),
        *(LockWait(b.id, "relation", AS, "public.orders", "public.orders", 1.0, ("12",)) for b in shop),
    )
    held = (Holding("8757", "relation", AS, "public.orders", "public.orders"),)
    step = RunStep("0042_note", "1", "expand", "strike", "ALTER TABLE orders ADD COLUMN note text", "started", 1, 1.2)
    return Snapshot(
        "2026-11-25T14:50:18.000+00:00",
        "shop",
        "18.6",
        counts=Counts(90, 82, 5, 1),
        queues=LockQueues((reader, alter, *shop), waits, held, readers + 1),
        long=(reader,),
        runs=Runs("me@here", True, "0042_note 1", (12,), ("0042_note: running",), (step,)),
    )


class Server:
    """What was done to it."""

    def __init__(self, interval_s: float = 30.0) -> None:
        self.interval_s = interval_s
        self.look = jam()
        self.done: list[tuple] = []

    def program(self, *, kill: bool = True) -> LiveProgram:
        def do(what: str):
            def done(thing) -> str:
                self.done.append((what, getattr(thing, "pid", thing)))
                return f"{what} done"

            return done

        return LiveProgram(lambda: self.look, Controls(do("cancel"), do("end") if kill else None, do("steer")), self.interval_s)


def driven(server: Server, *keys: str, kill: bool = True):
    """The program after these keys, each after a pause; what `shown` gave then."""

    async def drive():
        program = server.program(kill=kill)
        async with program.run_test(size=(170, 40)) as pilot:
            await _until(pilot, lambda: program.snapshot.database == "shop")
            for key in keys:
                await pilot.press(key)
                await pilot.pause(0.05)
            await pilot.pause(0.1)
            return shown(program), type(program.screen)

    return asyncio.run(drive())


async def _until(pilot, condition) -> None:
    for _ in range(200):
        if condition():
            await pilot.pause(0.05)
            return
        await pilot.pause(0.05)
    raise AssertionError("the program did not get there")


def shown(program: LiveProgram) -> str:
    """All the text of the main screen."""
    main = program.screen_stack[0]
    lines = [str(o.prompt) for o in main.query_one("#right", OptionList).options]
    return "\n".join([*(str(main.query_one(f"#{id}").render()) for id in ("top", "runs", "label0", "label1")), *lines])


def test_the_jam_and_the_run_are_shown():
    text, _ = driven(Server())
    assert "ALTER TABLE of pid 12 has waited 1.2 s behind pid 8757, report (app), idle in transaction 47.0 s" in text
    assert "80 sessions wait behind it" in text and "└─ pid 12, ALTER TABLE" in text and "80 sessions wait for ACCESS SHARE" in text
    assert "0042_note 1 expand started" in text and "waiters: 81" in text and "SELECT [count](*)" in text


def test_views():
    assert "idle in transaction 47.0 s; holds ACCESS SHARE on public.orders; 81 sessions" in driven(Server(), "3")[0].replace(
        ", holds", "; holds"
    )
    assert "pid 8757" in driven(Server(), "1")[0]
    assert "└─" in driven(Server(), "1", "2")[0]


def test_cancelling_asks_first():
    server = Server()
    assert driven(server, "C")[1] is Confirm and server.done == []
    driven(server, "down", "C", "escape", "C", "n", "o", "enter")
    assert server.done == []
    driven(server, "down", "C", "y", "e", "s", "enter")
    assert server.done == [("cancel", 12)]


def test_ending_wants_the_pid_and_allow_kill():
    server = Server()
    driven(server, "K", "y", "e", "s", "enter", kill=True)
    driven(server, "K", *"8757", "enter", kill=False)
    assert server.done == []
    driven(server, "K", *"8757", "enter")
    assert server.done == [("end", 8757)]


def test_pause_pace_and_help():
    server = Server()
    text, screen = driven(server, "plus", "p", "r", "s", "f", "h")
    assert screen is Help and "every 1 min" in text
    text, screen = driven(server, "h", "escape", "minus", "space")
    assert screen is not Help and "held" in text
    assert server.done == [("steer", order) for order in ("pause", "resume", "slower", "faster")]


def test_a_lost_server_is_said_and_what_was_seen_goes():
    server = Server(0.2)

    async def drive() -> str:
        program = server.program()
        async with program.run_test(size=(170, 40)) as pilot:
            await _until(pilot, lambda: program.snapshot.database == "shop")
            server.look = replace(Snapshot("2026-11-25T14:50:19.000+00:00", "shop"), problem="the server cannot be looked at: gone")
            await _until(pilot, lambda: program.snapshot.problem is not None)
            return shown(program)

    text = asyncio.run(drive())
    assert "cannot be looked at: gone" in text and "nobody waits" in text
