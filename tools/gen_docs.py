"""Writes the pages under docs/ that are made from the code: commands, settings, errors, rules.

python tools/gen_docs.py            write them
python tools/gen_docs.py --check    exit with 1 where one is not what it should be (a test runs this)
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rule_pages import rule_pages

from pgsluice.cli.commands import SUMMARIES
from pgsluice.cli.main import build_parser
from pgsluice.cli.options import default_text
from pgsluice.model import errors
from pgsluice.model.settings import Option, OptionKind, options

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
MADE = "<!-- made by tools/gen_docs.py from the code; `make docs` makes it anew -->\n"

EXIT_CODES = """| code | means |
| --- | --- |
| 0 | done, or nothing to report |
| 1 | findings (`check`, from `--fail-on` on), or work is pending (`status --check`) |
| 2 | usage or configuration; the change is refused |
| 3 | cannot connect, or not permitted |
| 4 | patience spent: nothing changed, safe to run again |
| 5 | stopped, by a person or by what we watch: can be gone on with |
| 6 | failed in the middle: `run` again, or `rollback` |
| 130, 143 | ended by Ctrl-C, by SIGTERM |
"""

_CODE = re.compile(r"[a-z]+(?:-[a-z]+)+\Z")


@dataclass(frozen=True, slots=True, order=True)
class ErrorEntry:
    """An error as the source raises it; texts have the source's {expressions} where values come."""

    code: str
    exit_code: int
    what: str
    next: str


def pages() -> dict[Path, str]:
    """All made pages by their file."""
    made = {DOCS / "cli" / f"{name}.md": _command_page(name) for name in SUMMARIES}
    made[DOCS / "cli" / "README.md"] = _commands_page()
    made[DOCS / "settings" / "README.md"] = _settings_page()
    made[DOCS / "errors" / "README.md"] = _errors_page()
    made.update((path, f"{MADE}\n{text}") for path, text in rule_pages(DOCS / "rules"))
    return made


def outdated() -> list[str]:
    """The made pages that are missing or not what the code says, and files that no code makes any more."""
    made = pages()
    wrong = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    strays = [p for folder in {path.parent for path in made} if folder.exists() for p in folder.iterdir() if p not in made]
    return sorted(path.relative_to(ROOT).as_posix() for path in (*wrong, *strays))


def _commands_page() -> str:
    rows = "\n".join(f"| [`pgsluice {name}`]({name}.md) | {summary} |" for name, summary in SUMMARIES.items())
    return f"{MADE}\n# Commands\n\n| command | does |\n| --- | --- |\n{rows}\n\n## Exit codes\n\n{EXIT_CODES}"


def _command_page(name: str) -> str:
    """Not argparse's own help: how that is laid out differs between Python's releases."""
    (commands,) = (a for a in build_parser(name)._actions if isinstance(a, argparse._SubParsersAction))
    takes = [a for a in commands.choices[name]._actions if a.help != argparse.SUPPRESS and not isinstance(a, argparse._HelpAction)]
    positional = " ".join(_POSITIONAL[a.nargs].format(a.metavar) for a in takes if not a.option_strings)
    rows = "\n".join(f"| {_spelling(a)} | {a.help} |".replace("%%", "%") for a in takes)
    summary = SUMMARIES[name][0].upper() + SUMMARIES[name][1:]
    usage = f"pgsluice {name} [OPTIONS] {positional}".strip()
    parts = (f"# pgsluice {name}", f"{summary}.", f"```\n{usage}\n```", f"| | |\n| --- | --- |\n{rows}", _MORE)
    return f"{MADE}\n" + "\n\n".join(parts) + "\n"


_MORE = "More on each option: [settings](../settings/README.md)."
_POSITIONAL: dict[int | str | None, str] = {"+": "{0}...", "*": "[{0}...]", "?": "[{0}]", None: "{0}"}


def _spelling(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 or not action.option_strings else f" {action.metavar}"
    names = ", ".join(action.option_strings) or str(action.metavar)
    return "`" + (names + value).replace("|", "\\|") + "`"


def _settings_page() -> str:
    head = (
        "# Settings\n\nA flag goes before an environment variable, that before a key in `pgsluice.toml` or in `[tool.pgsluice]` of\n"
        "`pyproject.toml` (in the current directory or the nearest one above it, up to the repository's top), that before the\n"
        "default. An unknown key is an error. Durations are written `100ms`, `2s`, `10min`, `1h`. Each switch has a `--no-` form,\n"
        "too. `--database` takes `postgres://` and `postgresql://` URLs, also with a driver in their scheme, and key=value strings.\n"
    )
    return f"{MADE}\n{head}\n" + "\n".join(map(_setting, options()))


def _setting(option: Option) -> str:
    value = (
        "" if option.kind is OptionKind.SWITCH else f" {'|'.join(map(str, option.choices)) or option.placeholder or option.kind.upper()}"
    )
    facts = [f"`{option.flag}{value}`", f"`{option.variable}`", f"key `{option.key}`"]
    default = default_text(option)
    default = f" Default: `{default}`." if default and option.kind is not OptionKind.SWITCH else ""
    lists = f" In the variable several are separated by `{option.separator}`." if option.kind is OptionKind.LIST else ""
    commands = ", ".join(f"`{c}`" for c in option.commands)
    help = option.help[0].upper() + option.help[1:]
    return f"## {option.key}\n\n{help}.{default}{lists}\n\n{' · '.join(facts)} · for {commands}\n"


def _errors_page() -> str:
    head = (
        "# Errors\n\nEvery error has a code that stays the same, says what happened, where, and what to do next; `{...}`\n"
        "stands for a value.\n"
    )
    return f"{MADE}\n{head}\n{EXIT_CODES}\n" + "\n".join(map(_error, _by_code()))


def _error(entries: list[ErrorEntry]) -> str:
    code, exits = entries[0].code, sorted({entry.exit_code for entry in entries})
    lines = [
        f"- {entry.what or '(the text depends on what happened)'}" + (f"\n  Next: {entry.next}" if entry.next else "") for entry in entries
    ]
    return f"## {code}\n\nExit code {', '.join(map(str, exits))}.\n\n" + "\n".join(lines) + "\n"


def _by_code() -> list[list[ErrorEntry]]:
    found: dict[str, set[ErrorEntry]] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for entry in _entries(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(entry.code, set()).add(entry)
    return [sorted(found[code]) for code in sorted(found)]


def _entries(tree: ast.Module) -> Iterator[ErrorEntry]:
    """Calls of our error classes, and tables of (code, words, next) in modules that raise from one."""
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef):
            texts = {t.id: n.value for n in ast.walk(scope) if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
            for node in ast.walk(scope):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CLASSES and len(node.args) > 1:
                    yield from _entry(_CLASSES[node.func.id], node, texts, tree)


_CLASSES: dict[str, type[errors.PgsluiceError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.PgsluiceError)
}


def _entry(kind: type[errors.PgsluiceError], call: ast.Call, texts: dict[str, ast.expr], tree: ast.Module) -> Iterator[ErrorEntry]:
    code, next_ = _text(call.args[0], texts), next((k.value for k in call.keywords if k.arg == "next"), None)
    if re.fullmatch(r"[a-z]+(-[a-z]+)*", code):
        yield ErrorEntry(code, kind.exit_code, _text(call.args[1], texts), _text(next_, texts))
    elif isinstance(call.args[0], ast.Name):
        for node in ast.walk(tree):
            if isinstance(node, ast.Tuple) and len(node.elts) == 3 and _CODE.match(_text(node.elts[0], {})):
                yield ErrorEntry(_text(node.elts[0], {}), kind.exit_code, "", _text(node.elts[2], {}))


def _text(node: ast.expr | None, texts: dict[str, ast.expr]) -> str:
    """A string of the source with its {expressions}, also where it was given a name first; '' for what is none."""
    if isinstance(node, ast.Name) and node.id in texts:
        return _text(texts[node.id], {})
    if isinstance(node, ast.BinOp):
        return f"{_text(node.left, texts)}{_text(node.right, texts)}"
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return " ".join(node.value.split())
    if isinstance(node, ast.JoinedStr):
        parts = (p.value if isinstance(p, ast.Constant) else "{" + _word(p) + "}" for p in node.values)
        return " ".join("".join(map(str, parts)).split())
    return ""


def _word(part: ast.expr) -> str:
    """A value's expression in one word: its last attribute or name."""
    names = re.findall(r"[A-Za-z]\w*", ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else "")
    return names[-1] if names else "..."


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes the pages under docs/ that are made from the code")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page is not what it should be")
    if parser.parse_args().check:
        wrong = outdated()
        if wrong:
            print("not what the code says (make docs):", *wrong, sep="\n  ", file=sys.stderr)
        return 1 if wrong else 0
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
