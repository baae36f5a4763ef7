"""From files to findings: each statement in turn, on the catalog that the ones before it leave behind.

A statement is composed as `plan` composes it, so what is printed here as its safe way is what would run. What cannot be read
costs only its own statement."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from pgsluice.analysis.effects.tables import without_temporary
from pgsluice.analysis.locks.inside import inside
from pgsluice.analysis.parsing.migrations import Migration
from pgsluice.analysis.parsing.statement import Statement
from pgsluice.analysis.planner import foreign_ignores, guards, statement_findings, suppression, unread
from pgsluice.analysis.planner.composition import Composition
from pgsluice.analysis.planner.piece import Piece
from pgsluice.analysis.planner.planning import FileComposition, PlanOptions, torn_refusal
from pgsluice.model.catalog import Catalog
from pgsluice.model.errors import InputError
from pgsluice.model.finding import Finding, Findings, NotAnalysed


def check(
    migrations: Iterable[Migration], catalog: Catalog, options: PlanOptions, wanted: Callable[[str], bool] = lambda path: True
) -> Findings:
    """The findings in the files for whose path `wanted` holds; the others only change the catalog. Where nothing is known
    of a database each file is taken for a release of its own: what an earlier one made is old and large by then.

    Raises InputError for a wrong directive."""
    start, files, paths = catalog, list[Findings](), set[str]()
    for migration in migrations:
        file = CheckedFile(migration.statements, catalog, options, start)
        made = file.findings()
        catalog = without_temporary(file.catalog if start.known else released(file.catalog))
        if wanted(migration.path):
            files.append(made)
            paths.add(migration.path)
    return Findings(
        len(paths),
        sum(f.statements for f in files),
        tuple(finding for f in files for finding in f.found),
        tuple(entry for f in files for entry in f.not_analysed),
        tuple(note for f in files for note in f.notes),
        analysed=sum(f.analysed for f in files),
    )


def released(catalog: Catalog) -> Catalog:
    """The catalog in which nothing is new any more."""
    new = {n: replace(t, made_by_run=False) for n, t in catalog.tables.items() if t.made_by_run}
    sequences = {n: replace(s, made_by_run=False) for n, s in catalog.sequences.items() if s.made_by_run}
    if not new and not sequences:
        return catalog
    return replace(catalog, tables={**catalog.tables, **new}, sequences={**catalog.sequences, **sequences})


class CheckedFile:
    """The state of checking one file. Raises InputError for a wrong directive."""

    def __init__(self, statements: tuple[Statement, ...], catalog: Catalog, options: PlanOptions, start: Catalog) -> None:
        suppression.refuse_unknown(statements)
        self.statements, self.options = statements, options
        self.found: list[tuple[Finding, ...]] = [() for _ in statements]
        self.not_analysed: list[NotAnalysed] = []
        self.opaque: set[int] = set()
        readable = [n for n, s in enumerate(statements) if s.problem is None]
        self._position = dict(enumerate(readable))
        self._file = FileComposition(tuple(statements[n] for n in readable), catalog, options, start)
        self._before_begin: Catalog | None = None

    @property
    def catalog(self) -> Catalog:
        """As it stands behind the statements that were looked at."""
        return self._file.catalog

    def findings(self) -> Findings:
        """What is found in the file, in its order."""
        self._read_spans()
        self._look_at_unreadable()
        pieces = [piece for number in self._position for piece in self._look_at(number)]
        self._look_at_transactions(pieces)
        left = (suppression.left(s, f, self.options.allow) for s, f in zip(self.statements, self.found, strict=True) if f)
        entries = sorted(self.not_analysed, key=lambda entry: (entry.place.line, entry.place.column))
        total = len(self.statements)
        return Findings(
            1,
            total,
            tuple(f for some in left for f in some),
            tuple(entries),
            tuple(foreign_ignores.unknown(self.statements)),
            analysed=total - len(self.opaque),
        )

    def _read_spans(self) -> None:
        """Transaction control that `plan` refuses is no obstacle here: the statements are looked at one by one."""
        try:
            self._file.spans = guards.spans(self._file.file)
        except InputError as error:
            position = next((n for n, s in enumerate(self.statements) if s.place == error.where), 0)
            self._note(position, NotAnalysed(self.statements[position].place, error.what))

    def _look_at_unreadable(self) -> None:
        for position, statement in enumerate(self.statements):
            if statement.problem is not None:
                entry = unread.problem(statement)
                self._note(position, entry)
                self.found[position] = (statement_findings.unreadable(statement, entry),)

    def _look_at(self, number: int) -> list[Piece]:
        """The pieces of a statement, where it shares a transaction with others. A mistake of ours in one must not hide what is wrong
        with the others."""
        position = self._position[number]
        self._follow_transaction(self._file.file[number][0].kind)
        try:
            plain = self._file.looked_at(number) if self._file.only_controls(number) else None
            composition = self._file.compose(number)
            if composition is None:
                self.found[position] = statement_findings.found(plain) if plain is not None else ()
                return []
            self.found[position] = statement_findings.found(composition)
            self._note_opaque(position, composition)
            return [_light(piece) for piece in composition.pieces if piece.atom >= 0]
        except Exception as error:
            self._note(position, unread.mistake(self.statements[position], error))
            return []

    def _follow_transaction(self, kind: str) -> None:
        """What is rolled back leaves nothing behind."""
        if kind == "BEGIN":
            self._before_begin = self.catalog
        elif kind == "ROLLBACK" and self._before_begin is not None:
            self._file.catalog = self._before_begin
        if kind in ("COMMIT", "ROLLBACK"):
            self._before_begin = None

    def _note_opaque(self, position: int, composition: Composition) -> None:
        opaque = next((met.action for met in composition.met if not met.impact.analysed), None)
        if opaque is not None:
            reason = inside(opaque, composition.context.catalog).unread
            self._note(position, *unread.not_understood(composition.statement, opaque.kind, reason))

    def _note(self, position: int, *entries: NotAnalysed) -> None:
        self.opaque.add(position)
        self.not_analysed += entries

    def _look_at_transactions(self, pieces: list[Piece]) -> None:
        """What must share a transaction with other statements, and is slow in it, has no safe way as it stands."""
        for slow, span, together in self._file.torn(pieces):
            position = self._position[slow.origin[0]]
            self.found[position] = statement_findings.torn(torn_refusal(slow, span), slow, together, self.found[position])


def _light(piece: Piece) -> Piece:
    """The piece, a brief one without the catalog before it: those of a long file would fill the memory."""
    return replace(piece, before=replace(piece.before, tables={})) if piece.brief else piece
