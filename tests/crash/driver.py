"""The program that is killed: runs a scene, or takes it back, as the command line will.

    python -m tests.crash.driver DSN SCENE run|rollback [SECONDS TO WAIT FOR ANOTHER RUN]

Ends with the exit code of the error that it prints.
"""

import sys

from pgsluice.execution.db.connect import connect
from pgsluice.execution.db.errors import DatabaseError
from pgsluice.execution.engine.history import is_pending
from pgsluice.execution.engine.run import Run
from pgsluice.execution.engine.states import settled
from pgsluice.model.errors import ConnectionFailedError, PgsluiceError
from pgsluice.model.settings import Settings
from tests.crash.scenes import SCENES


def main(dsn: str, scene: str, command: str, wait_s: str = "0") -> None:
    """Does what is left to do of the scene's one migration."""
    plan = SCENES[scene].plan
    name = plan.migrations[0].name
    settings = Settings(database=dsn, through="contract", patience=20.0)
    with Run(lambda purpose: connect(dsn, purpose, environment={}), settings, lambda event: None, wait_s=float(wait_s)) as run:
        record = next((m for m in run.history() if m.name == name), None)
        if command == "rollback":
            if record is not None and not is_pending(record):
                run.roll_back(name, lambda losses: True)
        elif is_pending(record):
            run.apply(plan)
        elif record is not None and not settled(record.state):
            run.resume([name])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except PgsluiceError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except DatabaseError as error:
        print(error, file=sys.stderr)
        sys.exit(ConnectionFailedError.exit_code)
