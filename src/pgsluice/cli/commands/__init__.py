"""The commands, one module each with `arguments`, which tells the parser what it takes, and `run`, which does it.

A module is imported only when its command is called.
"""

SUMMARIES = {
    "check": "say what each statement would do to a busy database, with the safe way",
    "locks": "show what each statement locks, scans and rewrites",
    "rules": "list the hazards that `check` knows",
    "explain": "print a rule's page",
    "plan": "show what would be done: phases, steps, locks and why",
    "run": "apply what is pending, in order; go on with what was interrupted",
    "import-history": "take over what another migration tool recorded as done",
    "contract": "pass the gate: destroy what only the old release used",
    "rollback": "take the last migration's expansion back",
    "backfill": "change the rows of a table in batches that give way to traffic; go on with what was interrupted",
    "pause": "hold a backfill within a second, from any terminal",
    "resume": "let a paused backfill go on; work on one whose runner is gone",
    "throttle": "change the pace of a backfill that runs",
    "status": "show migrations, steps, backfills, what waits and what is left over",
    "rehearse": "the migrations on copies of the schema under load, as plain SQL and by plan, measured",
    "watch": "show who waits behind whom, long transactions, work in progress and our runs, live",
    "guard": "run any command (or watch all) and cancel its DDL before others wait behind it for too long",
    "demo": "five migrations on a busy shop, as plain SQL and with pgsluice, measured",
}
"""In the order in which --help shows them."""
