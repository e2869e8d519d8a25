# Realtime Lab. Needs python3 (3.11 or newer, with venv); everything else goes into .venv.
#
#   make lab LAB_ARGS="--no-browser --port=9000"     flags for jupyter lab
#   make test TEST_ARGS="-k sse -m 'not browser'"    flags for pytest
#   make lab PYTHON=python3.13                       another Python

PYTHON ?= python3
BIN := .venv/bin
UV ?= $(BIN)/uv
LAB_ARGS ?=
TEST_ARGS ?=
BENCH_ARGS ?=
LOCK_ARGS ?=

TESTS := tests notebooks $(wildcard exercises/solutions)
NBVAL := --nbval-lax --nbval-current-env --nbval-cell-timeout=60
# The tests start hundreds of interpreters: they must find what is compiled already.
PYTEST := PYTHONDONTWRITEBYTECODE= LABSERVER_QUICK=1 $(BIN)/python -m pytest
# Three on two cores, as a test spends half of its time waiting. By file, in the order that
# tests/conftest.py gives them: a notebook's cells need those before.
WORKERS := -n 3 --dist loadfile --no-loadscope-reorder
# A kernel that runs as root on a CI machine is meant; Jupyter wants to be told.
ROOT := $(shell [ "$$(id -u)" != 0 ] || echo --allow-root)

# The stamp holds the folder it was made for: a virtual environment that was moved is made anew.
READY := .venv/ready
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

.PHONY: help lab test test-quick lint bench notebooks traces docs lock clean
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do \
		printf '  make %-10s %s\n' "$$name" "$$what"; done

lab: $(READY)  ## open JupyterLab on the first notebook
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
		--LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate $(ROOT) $(LAB_ARGS)

# Two runs: on several workers, and then alone what measures milliseconds. Both have to pass. pytest ends
# with 5 where TEST_ARGS chooses nothing of a run; if it chooses nothing of both, that is a failure.
test: $(READY)  ## unit tests, all notebooks, and JupyterLab in a real browser
	@$(PYTEST) $(NBVAL) $(WORKERS) --alone=never $(TESTS) $(TEST_ARGS); together=$$?; \
	if [ $$together -gt 1 ] && [ $$together -ne 5 ]; then exit $$together; fi; \
	$(PYTEST) --alone=only tests/measure $(TEST_ARGS); alone=$$?; \
	if [ $$alone -eq 5 ]; then exit $$together; fi; \
	if [ $$together -eq 5 ]; then exit $$alone; fi; \
	[ $$together -eq 0 ] && exit $$alone; exit $$together

test-quick: $(READY)  ## the tests that need no tool and do not wait, in a minute or so
	$(PYTEST) -p no:nbval $(WORKERS) --quick tests $(TEST_ARGS)

lint: $(READY)  ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict labserver
	$(BIN)/lint-imports --no-logo
	@if [ "$$CI" != true ] && ! command -v npm >/dev/null; then \
		echo 'Without Node.js the JavaScript is not checked.'; exit; fi; \
		[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund; \
		npm run --silent lint

bench: $(READY)  ## the benchmarks, one after the other
	$(BIN)/python -m benchmarks.fanout $(BENCH_ARGS)
	$(BIN)/python -m benchmarks.streams
	$(BIN)/python -m benchmarks.decoding
	$(BIN)/python -m benchmarks.relay

notebooks: $(READY)  ## run the notebooks and store what they show
	$(BIN)/python tests/notebooks/execute.py

traces: $(READY)  ## run the lessons and record their traces anew
	$(BIN)/python -m tests.notebooks.record

docs: $(READY)  ## make docs/note.md and docs/glossary.md anew from their data
	$(BIN)/python -m labserver.practice.pages docs

lock: | $(UV)  ## write requirements.lock anew (LOCK_ARGS=--upgrade: with the newest versions)
	$(UV) pip compile pyproject.toml --output-file requirements.lock --quiet $(LOCK_ARGS) \
		--universal --python-version 3.11 --all-extras --group setup --generate-hashes \
		--no-emit-index-url --custom-compile-command 'make lock'

clean:  ## remove .venv and everything else that was made here
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -prune -exec rm -rf {} +

$(BIN)/uv:
	@$(MAKE) --no-print-directory $(READY)

# pip brings uv, with the hashes that the lock has for it; uv brings the rest, many times faster.
# Where uv cannot reach a package index and pip can (a mirror in pip's settings), pip does it all.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Realtime Lab needs Python 3.11 or newer as python3; name another one with: make PYTHON=python3.13 ...' >&2; exit 1; }
	@echo 'Setting up .venv: once, a minute or so.'
	@$(PYTHON) -m venv --clear .venv || { \
		echo 'This Python cannot make a virtual environment; on Debian or Ubuntu: sudo apt install python3-venv' >&2; exit 1; }
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip install --quiet --python .venv --compile-bytecode --require-hashes -r requirements.lock || { \
		echo 'uv could not install the packages: trying pip, which takes longer.' >&2; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; }
	@$(BIN)/uv pip install --quiet --python .venv --offline --no-deps --no-build-isolation --editable .
	@mkdir -p .venv/share/jupyter/lab/settings
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' \
		> .venv/share/jupyter/lab/settings/overrides.json
	@echo '$(CURDIR)' > $@
