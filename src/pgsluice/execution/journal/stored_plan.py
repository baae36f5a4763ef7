"""The stored form of a migration's plan: a plan of that one migration, as plans are saved everywhere."""

import json
from dataclasses import dataclass

from pgsluice.model.plan import MigrationPlan, Plan
from pgsluice.model.plan_json import plan_from_json, plan_to_json


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """One migration with what its plan said of all: `search_path` are the schemas that names were resolved in,
    `server_version` is server_version_num."""

    migration: MigrationPlan
    search_path: tuple[str, ...]
    server_version: int


def dump(plan: StoredPlan) -> str:
    """The plan as JSON text. Its fingerprint is left out: the migration's own steps change what that covers."""
    return json.dumps(plan_to_json(Plan(plan.server_version, plan.search_path, "", (plan.migration,))), ensure_ascii=False)


def load(text: str) -> StoredPlan:
    """The plan that `dump` wrote; raises InputError where it cannot be read."""
    plan = plan_from_json(json.loads(text), "the journal's plan")
    (migration,) = plan.migrations
    return StoredPlan(migration, plan.search_path, plan.server_version)
