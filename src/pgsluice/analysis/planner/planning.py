"""From migrations and a catalog to a plan. Pure: nothing is read here but what is given."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate

from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.effects.tables import without_temporary
from pgsluice.analysis.parsing.actions import actions
from pgsluice.analysis.parsing.migrations import Migration
from pgsluice.analysis.parsing.statement import Action, Statement
from pgsluice.analysis.planner import guards, sessions
from pgsluice.analysis.planner.assembly import existing, phases
from pgsluice.analysis.planner.composition import Allowances, Composition, Refusal, rule_of
from pgsluice.analysis.planner.imagining import Imagination
from pgsluice.analysis.planner.ordering import in_phases
from pgsluice.analysis.planner.overlap import in_the_way, waiting_actions
from pgsluice.analysis.planner.parents_first import parents_first, too_late
from pgsluice.analysis.planner.piece import Piece
from pgsluice.analysis.planner.rebuilding import Rebuilding, rebuildings
from pgsluice.analysis.planner.stretch import Stretch
from pgsluice.analysis.planner.wholes import composed_whole
from pgsluice.analysis.rules.rule import Context
from pgsluice.analysis.twins.twin import NO_VIEWS, RebuiltViews
from pgsluice.model.catalog import Catalog
from pgsluice.model.errors import InputError, RefusedError
from pgsluice.model.fingerprint import fingerprint
from pgsluice.model.plan import MigrationPlan, PhaseName, Plan

_BY_TWIN = "type-change-rewrite"
_CONTROL = frozenset({"BEGIN", "COMMIT"})


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """`allow` are names of rules that are allowed everywhere, `stall_budget_s` the stall budget in seconds. `waiting` is the
    SQL that waits in the contract of each earlier migration, by that one's name. `asked` are the rules that are asked for although
    they are not on by default."""

    stall_budget_s: float = 0.1
    treat_as_large: bool = False
    allow: tuple[str, ...] = ()
    waiting: Mapping[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()


def plan(migrations: Iterable[Migration], catalog: Catalog, options: PlanOptions) -> Plan:
    """The plan of pending migrations, in their order, each planned on the catalog that the one before leaves behind.

    Raises InputError for SQL that does not parse (with its place), RefusedError with every statement that would hurt and
    has no safe way. Nothing is planned then. Where it has none only because an earlier one of these is not contracted, the plan ends
    before it, with a note."""
    start, planned, notes = catalog, list[MigrationPlan](), tuple[str, ...]()
    for migration in migrations:
        try:
            one, catalog = plan_migration(migration, catalog, options, start)
        except RefusedError as error:
            earlier = _awaited(migration, planned, catalog, options, start) if error.code == "refused" else None
            if earlier is None:
                raise
            notes = (f"{migration.name} and what comes after it cannot be planned before {earlier} is contracted",)
            break
        planned.append(one)
    made = Plan(start.version.number, start.search_path, "", tuple(planned), notes)
    return replace(made, fingerprint=fingerprint_of(made, start)) if start.known else made


def _awaited(migration: Migration, planned: Iterable[MigrationPlan], catalog: Catalog, options: PlanOptions, start: Catalog) -> str | None:
    """The migration of the same plan whose contract destroys what this one names; None without one."""
    contracts = {m.name: ";\n".join(s.sql for s in m.steps_of(PhaseName.CONTRACT)) for m in planned}
    pieces = FileComposition(tuple(_ours(s) for s in migration.statements), catalog, options, start).pieces()
    met = in_the_way(pieces, waiting_actions({name: sql for name, sql in contracts.items() if sql}), catalog)
    return met[1] if met is not None else None


def fingerprint_of(plan: Plan, catalog: Catalog) -> str:
    """The fingerprint of everything that a plan touches, in a catalog: equal while the plan still fits."""
    return fingerprint(catalog, {name for migration in plan.migrations for name in migration.touches})


def plan_migration(
    migration: Migration, catalog: Catalog, options: PlanOptions, start: Catalog | None = None
) -> tuple[MigrationPlan, Catalog]:
    """One migration's plan and the catalog behind it. `start` is the catalog as it stands
    now, where earlier migrations of the same plan change it first."""
    statements = tuple(_ours(s) for s in migration.statements)
    _readable(statements)
    statements = tuple(statements[number] for number in parents_first([actions(s) for s in statements], catalog))
    file = FileComposition(statements, catalog, options, start or catalog)
    file.spans = guards.spans(file.file)
    pieces = file.pieces()
    _refuse_overlap(migration, pieces, options, catalog)
    file.refusals += _late_parents(file, pieces, catalog)
    if file.refusals:
        raise refused(migration, file.refusals)
    ordered = in_phases(pieces)
    mentioned = frozenset(r for p in pieces for r in p.relations)
    there = existing(catalog)
    touches = tuple(sorted(name for r in mentioned if (name := str(r)) in there))
    made = MigrationPlan(
        migration.name,
        migration.checksum,
        migration.path,
        phases(ordered, migration.path, apart=migration.apart),
        touches,
        tuple(file.notes),
        migration.repeatable,
    )
    return made, without_temporary(file.catalog)


def _refuse_overlap(migration: Migration, pieces: list[Piece], options: PlanOptions, catalog: Catalog) -> None:
    met = in_the_way(pieces, waiting_actions(options.waiting), catalog)
    if met is not None:
        raise RefusedError(
            "contract-first",
            f"{migration.name} names what {met[1]} destroys in its contract, which has not run: {met[0].sql.splitlines()[0][:100]}",
            where=met[0].actions[0].statement.place,
            next=f"`pgsluice contract {met[1]}` first, once the old release is gone",
        )


def _late_parents(file: "FileComposition", pieces: list[Piece], catalog: Catalog) -> Iterator[Refusal]:
    """Changes of type that no order suits, or that something between them keeps from it."""
    by_twin = {p.origin[0] for p in pieces if p.hazard == _BY_TWIN and p.settled is not None}
    for child, parent in too_late(file.file, catalog) if len(by_twin) > 1 else ():
        if {child, parent} <= by_twin:
            what = "it changes the type of a column that is referenced by one whose type was changed before"
            reason = "the old foreign key would rest on the key that changes hands"
            yield Refusal(file.statements[parent].place, _BY_TWIN, what, reason, "put it before that one, or into a migration before")


def refused(migration: Migration, refusals: list[Refusal]) -> RefusedError:
    """One error that names every refused statement, its reason and what to do."""
    lines = [f"{r.place}: {r.rule}: {r.message}\n      why:     {r.reason}\n      instead: {r.next}" for r in refusals]
    rules = ", ".join(dict.fromkeys(f"--allow {r.rule}" for r in refusals))
    return RefusedError(
        "refused",
        f"{migration.name} would hurt, so nothing was planned or changed:\n    " + "\n    ".join(lines),
        where=refusals[0].place,
        next=f"do what is said for each statement; or, knowing what it costs, {rules}",
    )


def _ours(statement: Statement) -> Statement:
    """The statement as we run it: the transaction that another tool would put around it is none of ours."""
    return statement if statement.enclosure is None else replace(statement, enclosure=None)


def _readable(statements: tuple[Statement, ...]) -> None:
    """A statement that cannot be read cannot be run safely: the first one is an error."""
    for statement in statements:
        if statement.problem is not None:
            raise InputError(
                "syntax-error",
                statement.problem,
                where=statement.problem_place or statement.place,
                next="correct the statement; nothing was planned or changed",
            )


class FileComposition:
    """The state of composing one file, statement by statement. All of them can be read. `spans` are those that must share a
    transaction, `catalog` stands behind the statements that were composed so far."""

    def __init__(self, statements: tuple[Statement, ...], catalog: Catalog, options: PlanOptions, start: Catalog) -> None:
        self.catalog, self.options, self.start = catalog, options, start
        self.statements = statements
        self.refusals: list[Refusal] = []
        self.notes: list[str] = []
        self.file = [actions(s) for s in self.statements]
        self.spans: list[guards.Span] = []
        self.made_here: set[guards.Key] = set()
        self.session: tuple[str, ...] = ()
        self.imagination = Imagination()
        self._rebuildings = {r.first: r for r in rebuildings(self.file, catalog)}
        self._around: dict[int, Rebuilding] = {}
        self._taken: set[int] = set()
        self._flat = [a for group in self.file for a in group]
        self._ends = list(accumulate(len(group) for group in self.file))

    def pieces(self) -> list[Piece]:
        """The pieces of the whole file; what has no safe way is in `refusals`."""
        found: list[Piece] = []
        for number in range(len(self.statements)):
            composition = self.compose(number)
            found += composition.pieces if composition is not None else ()
        self.refusals += (torn_refusal(slow, span) for slow, span, _ in self.torn(found))
        return found

    def compose(self, number: int) -> Composition | None:
        """Compose the statement of this number, the ones before it having been composed; None for what only sets the session
        or controls the transaction."""
        first = self.file[number][0]
        if first.kind in _CONTROL:
            self._end_transaction()
            return None
        if (text := sessions.session_text(first)) is not None:
            self._remember(first, text)
            return None
        self._take_along(number)
        return None if number in self._taken else self._composed(number, self.statements[number])

    def _take_along(self, number: int) -> None:
        """Where views are dropped for a change of type that goes by a twin, its swap drops them and makes them anew."""
        found = self._rebuildings.get(number)
        spans = found.left_of(self.spans) if found is not None else None
        if found is None or spans is None or not self._takes_its_time(found):
            return
        numbers = {*range(found.first, found.last + 1)} - {found.change}
        self.spans, self._around[found.change], self._taken = spans, found, self._taken | numbers
        self.made_here |= {k for n in numbers for a in self.file[n] if (k := guards.created(a)) is not None}

    def _takes_its_time(self, found: Rebuilding) -> bool:
        """Whether the change is no brief statement, and not allowed as it is: by a twin, then, or not at all."""
        number, views = found.change, found.views(self.file, self.catalog)
        if views is None:
            return False
        context = replace(self._context(number), around=views)
        met = Composition(context, self.statements[number], number, self._allowances(number)).look(self.file[number][0])
        return any(h.way is not None and not self._allowances(number).covers(rule.name) for rule, h in met.hazards)

    def only_controls(self, number: int) -> bool:
        """Whether the statement only sets the session or controls the transaction."""
        first = self.file[number][0]
        return first.kind in _CONTROL or sessions.session_text(first) is not None

    def looked_at(self, number: int) -> Composition:
        """What is met in a statement that `compose` makes nothing of; to be asked before that."""
        statement = self.statements[number]
        made = Composition(self._context(number), statement, number, self._allowances(number))
        made.met += map(made.look, self.file[number])
        return made

    def _end_transaction(self) -> None:
        """SET TRANSACTION holds for one."""
        self.session = tuple(text for text in self.session if not sessions.of_transaction(text))

    def _remember(self, action: Action, text: str) -> None:
        self.session = (*self.session, text) if text else self.session
        self.catalog = after(action, self.catalog)

    def _composed(self, number: int, statement: Statement) -> Composition:
        composition = Composition(
            self._context(number),
            statement,
            number,
            self._allowances(number),
            session=sessions.joined(self.session),
            made_here=frozenset(self.made_here),
            made_anew=self._made_anew(number),
            whole=any(s.first <= number <= s.last for s in self.spans),
        )
        before = composition.context
        pieces = composed_whole(composition, self.file[number])
        self.refusals += composition.refusals
        self.catalog = composition.context.catalog
        self.made_here |= {k for a in self.file[number] if (k := guards.created(a)) is not None}
        self._imagine(number, composition, before)
        atom = next((i for i, s in enumerate(self.spans) if s.first <= number <= s.last), -1)
        composition.pieces = [self._allowed_to_work(replace(p, atom=atom)) for p in pieces] if atom >= 0 else pieces
        return composition

    def _imagine(self, number: int, composition: Composition, before: Context) -> None:
        """What the statement does to rows that later ones ask about."""
        if any(p.opaque for p in composition.pieces):
            self.imagination.follow_opaque(self.catalog)
            return
        for action in self.file[number][:-1]:
            self.imagination.follow(action, before)
            before = replace(before, catalog=after(action, before.catalog))
        self.imagination.follow(self.file[number][-1], before)

    def _allowed_to_work(self, piece: Piece) -> Piece:
        """What is not brief and shares a transaction all the same, where the user allows it by name."""
        slow = not piece.brief and piece.impact.in_transaction and piece.fill is None
        if not slow or not self._allowances(piece.origin[0]).covers(rule_of(piece)):
            return piece
        return replace(piece, may_exceed_budget=True)

    def _allowances(self, number: int) -> Allowances:
        return Allowances.of(self.statements[number], self.options.allow)

    def _context(self, number: int) -> Context:
        return Context(
            self.catalog,
            self.options.stall_budget_s,
            self.options.treat_as_large,
            self.start,
            frozenset(self.imagination.lost),
            dict(self.imagination.imagined),
            Stretch(self._flat, 0, self._ends[number] - len(self.file[number])),
            Stretch(self._flat, self._ends[number], len(self._flat)),
            self.options.asked,
            self._views_around(number),
        )

    def _views_around(self, number: int) -> RebuiltViews:
        found = self._around.get(number)
        return (found.views(self.file, self.catalog) if found is not None else None) or NO_VIEWS

    def _made_anew(self, number: int) -> frozenset[guards.Key]:
        """The objects that a statement drops and a later one of the same span makes anew."""
        inside = next((s for s in self.spans if s.first <= number <= s.last), None)
        later = self.file[number + 1 : inside.last + 1] if inside else []
        return frozenset(k for actions in later for a in actions if (k := guards.created(a)) is not None)

    def torn(self, pieces: list[Piece]) -> Iterator[tuple[Piece, guards.Span, list[Piece]]]:
        """What must share a transaction and cannot be brief in one: the first slow piece of each such span, and all pieces of it."""
        for number, span in enumerate(self.spans):
            inside = [p for p in pieces if p.atom == number]
            slow = next((p for p in inside if not p.brief and not p.may_exceed_budget), None)
            if slow is not None and len(inside) > 1:
                yield slow, span, inside


def torn_refusal(slow: Piece, span: guards.Span) -> Refusal:
    """Why a slow piece of a span is refused."""
    statement, rule = slow.actions[0].statement, rule_of(slow)
    split = "write `-- pgsluice: split because ...` above it where the transaction may be taken apart; or " if span.divisible else ""
    allowing = f"allow {rule}, which runs it in the transaction as it is" if slow.impact.in_transaction else "leave it out"
    return Refusal(
        statement.place,
        rule,
        f"it must share a transaction with other statements ({span.why}), and it is not brief: {slow.sql.splitlines()[0][:100]}",
        "the locks of the other statements would be held while it works",
        f"move it to a migration of its own; or {split}{allowing}",
    )
