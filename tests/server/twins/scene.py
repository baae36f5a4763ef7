"""A change of shape, played on a database as pgsluice does it, beside one where the same file runs as plain SQL."""

import time
from dataclasses import dataclass
from pathlib import Path

from pgsluice import api
from pgsluice.model.plan import Plan
from pgsluice.model.settings import Settings
from tests.server.twins.clients import Reader
from tests.support.oracle import Picture, differences, picture
from tests.support.sql import execute

MOMENT_S = 0.3


@dataclass
class Scene:
    """`dsn` is the database of ours, `plain` the other one; both are an ordinary owner's. `folder` holds the file of the change."""

    dsn: str
    plain: str
    folder: Path
    change: str = ""

    def before(self, *statements: str) -> None:
        """Makes both databases."""
        for dsn in (self.dsn, self.plain):
            execute(dsn, *statements)

    def write(self, change: str) -> None:
        """The file of the change."""
        self.change = change
        (self.folder / "0001_change.sql").write_text(change)

    @property
    def settings(self) -> Settings:
        return Settings(database=self.dsn, treat_as_large=True, from_start=True, patience=20.0, look_for=0.1)

    def plan(self) -> Plan:
        return api.plan([self.folder], self.settings)

    def run(self) -> None:
        api.run([self.folder], self.settings)

    def contract(self) -> None:
        api.contract(None, self.settings)

    def roll_back(self) -> None:
        api.rollback(None, self.settings, ask=lambda losses: False)

    def there_and_back(self, reading_s: float = 0.0) -> None:
        """To the gate, beside a transaction that has read the table `t` and stays open for so long, back, and to the gate again; with
        moments in which clients have only that shape."""
        with Reader(self.dsn, reading_s):
            self.run()
        time.sleep(MOMENT_S)
        self.roll_back()
        self.run()
        time.sleep(MOMENT_S)

    def walk(self, change: str) -> None:
        """There and back, which ends as it began, and there again through contract, which ends as the plain statement does."""
        before = self.picture()
        self.write(change)
        self.run()
        self.roll_back()
        assert differences(before, self.picture()) == ""
        self.run()
        self.contract()
        assert self.differences_to_plain() == ""

    def picture(self) -> Picture:
        return picture(self.dsn)

    def differences_to_plain(self) -> str:
        """What differs from the plain file's end, once the file has run there."""
        execute(self.plain, self.change)
        return differences(picture(self.plain), self.picture())
