"""From an action to the pieces of its safe way: the rules are asked again until none rewrites what is left."""

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from pgsluice.analysis.effects.catalog import after
from pgsluice.analysis.effects.hanging import carriers
from pgsluice.analysis.locks.impact import Impact
from pgsluice.analysis.locks.inside import RUNS_BODIES
from pgsluice.analysis.locks.prediction import impact
from pgsluice.analysis.parsing.actions import actions, is_concurrent
from pgsluice.analysis.parsing.constraints import added_constraint
from pgsluice.analysis.parsing.indexes import index_definition
from pgsluice.analysis.parsing.statement import Action, Statement
from pgsluice.analysis.parsing.statements import parse_statement
from pgsluice.analysis.parsing.subjects import subject
from pgsluice.analysis.parsing.surgery import index_named
from pgsluice.analysis.parts import Settled
from pgsluice.analysis.planner.bodies import met_inside
from pgsluice.analysis.planner.guards import Key
from pgsluice.analysis.planner.naming import chosen_names, is_independent, tying_names, tying_relations
from pgsluice.analysis.planner.phases import natural_phase
from pgsluice.analysis.planner.piece import Piece
from pgsluice.analysis.planner.taken import taken_names
from pgsluice.analysis.rules.demands import demands
from pgsluice.analysis.rules.index.definition import name_in
from pgsluice.analysis.rules.registry import hazards, named
from pgsluice.analysis.rules.rule import Context, Hazard, NoRewrite, Part, Rewrite, Rule
from pgsluice.analysis.rules.statement.work_under_lock import RULE as WORK_UNDER_LOCK
from pgsluice.model.catalog import Catalog, Column, ConstraintKind, Table
from pgsluice.model.errors import Place
from pgsluice.model.finding import Category
from pgsluice.model.plan import PhaseName
from pgsluice.model.postgres.identifiers import QualifiedName

_DEPTH = 8
"""Rewrites of rewrites; the deepest known is four (ADD COLUMN with PRIMARY KEY, its NOT NULL, its helper CHECK)."""

UNKNOWN = WORK_UNDER_LOCK.name
_ROW_WRITES = frozenset({"UPDATE", "DELETE"})
"""What holds the locks of the rows that it writes until its end, whatever lock it has on the table."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A statement that would hurt and has no safe way."""

    place: Place
    rule: str
    message: str
    reason: str
    next: str


@dataclass(frozen=True, slots=True)
class Met:
    """An action that the user wrote, its impact, and the hazards that were met in it."""

    action: Action
    impact: Impact
    hazards: tuple[tuple[Rule, Hazard], ...]


@dataclass(frozen=True, slots=True)
class Allowances:
    """Which rules are allowed for a statement: by option, or by a directive on it or on its file."""

    names: frozenset[str]

    @classmethod
    def of(cls, statement: Statement, options: tuple[str, ...]) -> "Allowances":
        directed = {d.rule for d in statement.directives if d.word in ("allow", "ignore") and d.rule}
        return cls(frozenset(options) | directed)

    def covers(self, rule: str) -> bool:
        """Whether one of the names is the rule's, or a pattern such as `rename-*` that fits it."""
        return any(fnmatchcase(rule, name) for name in self.names)


@dataclass(slots=True)
class Composition:
    """The pieces of one statement as they come, what was met in the user's own actions, the refusals, and the catalog behind
    them. `whole`: it must share a transaction with other statements, so a rule that is allowed takes nothing out of it."""

    context: Context
    statement: Statement
    number: int
    allowed: Allowances
    session: str = ""
    made_here: frozenset[Key] = frozenset()
    made_anew: frozenset[Key] = frozenset()
    whole: bool = False
    part: int = 0
    pieces: list[Piece] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    met: list[Met] = field(default_factory=list)

    def look(self, action: Action) -> Met:
        """The hazards that are met in an action as the catalog stands now."""
        met = impact(action, self.context.catalog)
        return Met(action, met, tuple(hazards(action, met, self.context)))

    def look_inside(self, action: Action) -> tuple[Met, ...]:
        """Those in the bodies that it runs."""
        return tuple(Met(a, i, said) for a, i, said in met_inside(action, self.context) if said)

    def compose(self, action: Action, origin: Part | None = None, hazard: str | None = None, depth: int = 0) -> None:
        """Add the pieces of an action; `origin` is the part of a rewrite that it comes from, `hazard` that rewrite's rule."""
        asked = taken_names(action, self.context) if depth == 0 else ()
        first = len(self.pieces)
        looked = self.look(action)
        within = self.look_inside(action) if action.kind in RUNS_BODIES else ()
        if any(hazard.way is not None for inner in within for _, hazard in inner.hazards):
            looked = replace(looked, hazards=tuple((rule, h) for rule, h in looked.hazards if rule.name != UNKNOWN))
        met, said = looked.impact, [*looked.hazards, *(pair for inner in within for pair in inner.hazards)]
        if depth == 0:
            self.met += (looked, *within)
        rewrite = next(((r, h.way) for r, h in said if isinstance(h.way, Rewrite) and not self._keeps_plain(r, h.way)), None)
        if rewrite is not None and depth < _DEPTH:
            imagined = self._imagine(action)
            self.parts(rewrite[1].parts, rewrite[0].name, origin, depth)
            self._forget(imagined)
        else:
            self._leaf(action, met, origin, said, hazard, self._judge(action, said))
        if asked and first < len(self.pieces):
            self.pieces[first] = replace(self.pieces[first], preflight=(*asked, *self.pieces[first].preflight))

    def _imagine(self, action: Action) -> QualifiedName | None:
        """Put a table of which nothing is known into the catalog, so that the parts of a rewrite find what the ones before have made;
        its name, None where it is there or is known not to be."""
        catalog = self.context.catalog
        if catalog.known or action.relation is None or not action.kind.startswith("ALTER TABLE "):
            return None
        name = catalog.resolve(*action.relation)
        if catalog.table(name) is not None:
            return None
        clause = added_constraint(action)
        columns = clause.columns if clause is not None and clause.kind is ConstraintKind.PRIMARY_KEY else ()
        self._advance(catalog.with_table(Table(name, columns=tuple(Column(c, "unknown") for c in columns))))
        return name

    def _forget(self, imagined: QualifiedName | None) -> None:
        """What is not known of a table stays unknown: that a column is not there would be taken for a fact."""
        if imagined is not None:
            catalog = self.context.catalog
            self._advance(replace(catalog, tables={n: t for n, t in catalog.tables.items() if n != imagined}))

    def keeps(self, rule: str) -> bool:
        """Whether the user would rather have the plain form in its transaction than the safe one outside of it."""
        return self.whole and self.allowed.covers(rule)

    def parts(self, parts: tuple[Part, ...], hazard: str, origin: Part | None = None, depth: int = 0) -> None:
        """Add the pieces of the parts of a rewrite."""
        for part in parts:
            inherited = _inherit(part, origin, last=part is parts[-1])
            if part.fill is not None:
                self._fill(inherited, hazard)
                continue
            for action in actions(parse_statement(part.sql, self.statement.place.path)):
                moved = replace(action, statement=replace(action.statement, place=self.statement.place))
                if part.settled is not None:
                    self._settle(moved, inherited, hazard)
                else:
                    self.compose(moved, inherited, hazard, depth + 1)

    def _keeps_plain(self, rule: Rule, way: Rewrite) -> bool:
        return bool(way.parts) and (self.keeps(rule.name) or (way.declinable and self.allowed.covers(rule.name)))

    def _judge(self, action: Action, said: list[tuple[Rule, Hazard]]) -> bool:
        """Refuse what has no safe way and is not allowed; True where an allowed hazard takes its time under its lock."""
        exceeds = False
        for rule, hazard in said:
            plain = isinstance(hazard.way, Rewrite) and self._keeps_plain(rule, hazard.way)
            if plain or (isinstance(hazard.way, NoRewrite) and self.allowed.covers(rule.name)):
                exceeds = exceeds or rule.category is Category.OUTAGE or action.kind in _ROW_WRITES
            elif isinstance(hazard.way, NoRewrite):
                self.refusals.append(Refusal(self.statement.place, rule.name, hazard.message, hazard.way.reason, hazard.way.next))
        return exceeds

    def _leaf(
        self, action: Action, met: Impact, origin: Part | None, said: list[tuple[Rule, Hazard]], hazard: str | None, exceeds: bool
    ) -> None:
        before = self.context.catalog
        action = _with_its_name(action, before)
        piece = Piece(
            sql=action.sql,
            actions=(action,),
            impact=met,
            before=before,
            origin=(self.number, self.part),
            phase=_later(
                natural_phase(action, before, self.made_here, self.made_anew, self._others()), origin.phase if origin else PhaseName.EXPAND
            ),
            reason=origin.reason if origin else _reason(said, met),
            hazard=hazard or (said[0][0].name if said else None),
            brief=self._brief(met, exceeds),
            with_next=bool(origin and origin.with_next),
            apart=bool(origin and origin.apart),
            session=self.session,
            preflight=origin.preflight if origin else demands(action, met, self.context),
            releases_notice=origin.releases_notice if origin else None,
            relations=tying_relations(action, before),
            names=tying_names(action) | chosen_names(action, before),
            independent=is_independent(action),
            carriers=carriers(action, before),
            opaque=not met.analysed,
            may_exceed_budget=exceeds,
        )
        self.pieces.append(piece)
        self._advance(after(action, before))

    def _others(self) -> tuple[Action, ...]:
        """What the file does together with this statement's actions or behind them."""
        return (*actions(self.statement), *self.context.later)

    def _settle(self, action: Action, part: Part, hazard: str) -> None:
        """A statement that no rule is asked about: its phase, its undo and what depends on it are said by who made it."""
        self._leaf(action, impact(action, self.context.catalog), part, [], hazard, False)
        settled = part.settled or Settled()
        session = "; ".join(t for t in (self.session, settled.session) if t)
        made = self.pieces[-1]
        schemas = self.context.catalog.schemas | {r.schema for r in made.relations}  # they tie nothing together, and all our names have one
        named = subject(action)
        own = frozenset({named[1]} if named else ())
        names = own if action.kind in ("CREATE FUNCTION", "DO") else made.names - schemas - settled.regardless
        self.pieces[-1] = replace(
            made,
            phase=part.phase,
            settled=settled,
            session=session,
            names=names,
            relations=made.relations.union(*(tying_relations(a, made.before) for a in actions(self.statement))),
            independent=settled.independent,
            opaque=False,
        )

    def _fill(self, part: Part, hazard: str) -> None:
        action = actions(parse_statement(part.sql, self.statement.place.path))[0]
        if part.settled is not None:
            self._settle(action, part, hazard)
        else:
            self._leaf(action, impact(action, self.context.catalog), part, [], hazard, False)
        self.pieces[-1] = replace(self.pieces[-1], fill=part.fill, brief=False)

    def _brief(self, met: Impact, exceeds: bool) -> bool:
        """What is not analysed is taken for brief: the budget stops it where it is not."""
        slow = met.analysed and any(self.context.busy(name) for name in met.works)
        return met.in_transaction and not exceeds and not slow

    def _advance(self, catalog: Catalog) -> None:
        self.context = replace(self.context, catalog=catalog)


def _with_its_name(action: Action, catalog: Catalog) -> Action:
    """A concurrent build has to know the index that an interrupted one leaves behind: one without a name gets the name that the
    server would choose."""
    index = index_definition(action) if action.kind == "CREATE INDEX" and is_concurrent(action) else None
    if index is None or index.name is not None or action.relation is None:
        return action
    read = parse_statement(index_named(action, name_in(catalog, catalog.resolve(*action.relation), index)))
    return actions(replace(action.statement, sql=read.sql, node=read.node))[0]


def rule_of(piece: Piece) -> str:
    """The rule under whose name a piece is refused or allowed: that of its hazard, or the one for what no other rule knows."""
    return piece.hazard if piece.hazard and named(piece.hazard) else UNKNOWN


def _inherit(part: Part, origin: Part | None, *, last: bool) -> Part:
    """A part of a rewrite of a part: the outer one's phase holds for it, and what it owed the next one its last part owes."""
    if origin is None:
        return part
    return replace(
        part,
        phase=_later(part.phase, origin.phase),
        with_next=part.with_next or (last and origin.with_next),
        apart=part.apart or origin.apart,
        preflight=(*origin.preflight, *part.preflight),
        releases_notice=part.releases_notice or origin.releases_notice,
    )


def _later(one: PhaseName, other: PhaseName) -> PhaseName:
    return max(one, other, key=list(PhaseName).index)


def _reason(said: list[tuple[Rule, Hazard]], met: Impact) -> str:
    """Why an action runs as it is."""
    if said:
        return said[0][1].message
    if not met.analysed:
        return "not analysed: ACCESS EXCLUSIVE on everything that it mentions is assumed"
    return "brief as it is" if met.blocks else "blocks no application query as it is"
