# Everything runs in .venv, which `setup` makes once; each target sets up what it needs.
# PYTHON=... chooses the interpreter (3.11 or newer); otherwise the first that fits is taken.

CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
FITS := -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for p in $(CANDIDATES); do if $$p $(FITS) >/dev/null 2>&1; then echo $$p; break; fi; done)

BIN := .venv/bin
STAMP := .venv/.set-up
OLDER := 14  # the major that differs most from 18
PYTEST := $(BIN)/python -m pytest --numprocesses=3 --dist=loadscope --no-loadscope-reorder
APT := apt-get install --yes --quiet --no-install-recommends

.PHONY: setup demo test test-all lint docs histories pooler browser

setup: $(STAMP)

$(STAMP): requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "pgsluice needs Python 3.11 or newer with venv and ensurepip (Debian: python3-venv)" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/pgsluice demo

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# PgBouncer where root can have it from Debian; tests that need it are skipped, and counted, without it
pooler:
	-@command -v pgbouncer >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		{ $(APT) pgbouncer || { apt-get update --quiet && $(APT) pgbouncer; }; } >/dev/null 2>&1; } || echo "no pgbouncer"

test: lint pooler browser
	$(BIN)/python tools/pg_matrix.py --fetch $(OLDER) 18
	$(PYTEST)

test-all: lint pooler browser
	$(BIN)/python tools/pg_matrix.py --fetch
	$(PYTEST) --pg-majors=all

# chromium for the tests of the page, the same way
browser:
	-@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		{ $(APT) chromium || { apt-get update --quiet && $(APT) chromium; }; } >/dev/null 2>&1; } || echo "no chromium"

histories: $(STAMP)
	@test -d "$(DIR)" || { echo "make histories DIR=...: a directory with histories in it (docs/guide/histories.md)" >&2; exit 1; }
	PYTHONPATH=.:tools $(BIN)/python -m tests.histories.history "$(DIR)"
	PYTHONPATH=.:tools $(BIN)/python -m tests.histories.history --each "$(DIR)"
	PYTHONPATH=.:tools $(BIN)/python -m tests.histories.populated "$(DIR)"

docs: $(STAMP)
	$(BIN)/python tools/gen_docs.py
