"""CPU and wall time of `pgsluice check`, beside squawk's on the same files.

    python benchmarks/check.py [--files N] [--runs N] [--seed N] [--squawk PATH]

squawk is taken from PATH or from beside this Python (`pip install squawk-cli`). CPU seconds are those of the whole process,
start included, bytecode compiled as in an installed package. The programs take turns; printed are medians, and whether the
limits that pgsluice sets itself are met (exit code 1 if not).
"""

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STATEMENTS_A_FILE = 10
HELP_CPU_S, SMALL_CPU_S = 0.060, 0.100
MANY_CPU, MANY_WALL = 3.0, 4.0
"""The limits: of `--help`, of one small file, and of many files as a multiple of squawk's."""

SMALL = "ALTER TABLE users ADD COLUMN email text NOT NULL;\nCREATE INDEX users_email ON users (email);\n"
TEMPLATES = (
    "CREATE TABLE {t} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, b text NOT NULL, c timestamptz DEFAULT now());",
    "CREATE INDEX {t}_{n} ON {t} (a, b);",
    "CREATE UNIQUE INDEX CONCURRENTLY {t}_{n}_key ON {t} (b) WHERE a > {n};",
    "ALTER TABLE {t} ADD COLUMN d{n} int NOT NULL DEFAULT 0;",
    "ALTER TABLE {t} ADD COLUMN e{n} text, ALTER COLUMN a SET NOT NULL;",
    "ALTER TABLE {t} ADD CONSTRAINT f{n} FOREIGN KEY (a) REFERENCES {u} (id);",
    "ALTER TABLE {t} ADD CONSTRAINT c{n} CHECK (a > {n}) NOT VALID;",
    "ALTER TABLE {t} VALIDATE CONSTRAINT c{n};",
    "ALTER TABLE {t} ALTER COLUMN a TYPE bigint;",
    "ALTER TABLE {t} DROP COLUMN IF EXISTS d{n};",
    "UPDATE {t} SET a = {n} WHERE b = 'x' AND c < now() - interval '1 day';",
    "INSERT INTO {t} (a, b) VALUES ({n}, 'it''s'), ({n}, 'y');",
    "CREATE OR REPLACE VIEW v_{t} AS SELECT t.id, u.b FROM {t} t JOIN {u} u ON u.id = t.a;",
    "CREATE FUNCTION f_{n}() RETURNS int LANGUAGE sql AS $$ SELECT count(*)::int FROM {t} $$;",
    "COMMENT ON COLUMN {t}.b IS 'number {n}';",
    "DROP TABLE IF EXISTS old_{t};",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one run."""

    cpu_s: float
    wall_s: float


def written(folder: Path, files: int, seed: int) -> list[str]:
    """Files of ten statements about 200 tables, their paths in order."""
    draw = random.Random(seed)
    paths = [folder / f"{number:06}.sql" for number in range(files)]
    for number, path in enumerate(paths):
        lines = (
            draw.choice(TEMPLATES).format(t=f"t{draw.randrange(200)}", u=f"t{draw.randrange(200)}", n=number * 10 + line)
            for line in range(STATEMENTS_A_FILE)
        )
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [str(path) for path in paths]


def cost(command: Sequence[str], environment: dict[str, str]) -> Cost:
    """One run; raises RuntimeError where the program does not end with findings or without them."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    ran = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    after, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    if ran.returncode not in (0, 1):
        raise RuntimeError(f"{command[0]} ended with {ran.returncode}: {ran.stderr.decode()[-500:]}")
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall_s)


def medians(commands: Mapping[str, Sequence[str]], runs: int, environment: dict[str, str]) -> dict[str, Cost]:
    """The programs by turns; the first turn, which compiles and warms caches, is not counted."""
    turns = [{name: cost(command, environment) for name, command in commands.items()} for _ in range(runs + 1)][1:]
    return {
        name: Cost(*(statistics.median(getattr(turn[name], field) for turn in turns) for field in ("cpu_s", "wall_s"))) for name in commands
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=2000, help=f"of {STATEMENTS_A_FILE} statements each")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--squawk", default=shutil.which("squawk", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"))
    options = parser.parse_args()
    if not options.squawk:
        parser.error("squawk is not here: pip install squawk-cli, or --squawk PATH")
    with tempfile.TemporaryDirectory() as folder:
        return compared(Path(folder), options)


def compared(folder: Path, options: argparse.Namespace) -> int:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    ours = [sys.executable, "-m", "pgsluice.cli.main"]
    small = folder / "small.sql"
    small.write_text(SMALL, encoding="utf-8")
    one = medians(
        {"help": [*ours, "--help"], "small": [*ours, "check", str(small)], "squawk": [options.squawk, "--reporter", "json", str(small)]},
        2 * options.runs,
        environment,
    )
    (folder / "many").mkdir()
    paths = written(folder / "many", options.files, options.seed)
    commands = {"pgsluice": [*ours, "check", "--format", "json", *paths], "squawk": [options.squawk, "--reporter", "json", *paths]}
    many = medians(commands, options.runs, environment)
    return report(one, many, options)


def report(one: dict[str, Cost], many: dict[str, Cost], options: argparse.Namespace) -> int:
    print(
        f"seed {options.seed}, medians of {options.runs} runs, {options.files * STATEMENTS_A_FILE:,} statements in {options.files:,} files"
    )
    for name, label in (("help", "pgsluice --help"), ("small", "pgsluice check, one file"), ("squawk", "squawk, one file")):
        print(f"{label:<28}{one[name].cpu_s * 1000:>9.0f} ms CPU{one[name].wall_s * 1000:>9.0f} ms")
    for name in many:
        print(f"{name + ', all files':<28}{many[name].cpu_s:>9.2f} s  CPU{many[name].wall_s:>9.2f} s")
    cpu, wall = (getattr(many["pgsluice"], f) / getattr(many["squawk"], f) for f in ("cpu_s", "wall_s"))
    met = (
        (f"--help takes {one['help'].cpu_s * 1000:.0f} ms of CPU; it may take {HELP_CPU_S * 1000:.0f}", one["help"].cpu_s <= HELP_CPU_S),
        (
            f"one small file takes {one['small'].cpu_s * 1000:.0f} ms of CPU; it may take {SMALL_CPU_S * 1000:.0f}",
            one["small"].cpu_s <= SMALL_CPU_S,
        ),
        (f"all files take {cpu:.1f}x the CPU of squawk; {MANY_CPU:.0f}x is the limit", cpu <= MANY_CPU),
        (f"all files take {wall:.1f}x the wall time of squawk; {MANY_WALL:.0f}x is the limit", wall <= MANY_WALL),
    )
    for text, holds in met:
        print(f"{'met    ' if holds else 'NOT MET'} {text}")
    return 0 if all(holds for _, holds in met) else 1


if __name__ == "__main__":
    sys.exit(main())
