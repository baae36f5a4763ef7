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
from pgsluice.model.plan import Plan
from pgsluice.model.settings import Settings
from tests.crash.scenes import NAME, SCENES


def main(dsn: str, scene: str, command: str, wait_s: str = "0") -> None:
    """Does what is left to do of the scene's one migration."""
    settings = Settings(database=dsn, through="contract", patience=20.0)
    with Run(lambda purpose: connect(dsn, purpose, environment={}), settings, lambda event: None, wait_s=float(wait_s)) as run:
        record = next((m for m in run.history() if m.name == NAME), None)
        if command == "rollback":
            if record is not None and not is_pending(record):
                run.roll_back(NAME, lambda losses: True)
        elif is_pending(record):
            run.apply(_plan(dsn, scene))
        elif record is not None and not settled(record.state):
            run.resume([NAME])


def _plan(dsn: str, scene: str) -> Plan:
    session = connect(dsn, "plan", environment={})
    try:
        return SCENES[scene].plan_on(session)
    finally:
        session.close()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except PgsluiceError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except DatabaseError as error:
        print(error, file=sys.stderr)
        sys.exit(ConnectionFailedError.exit_code)
