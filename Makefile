# make audit and make test need git, make and Python 3.11, 3.12 or 3.13. Nothing is written outside this folder,
# except (as root) one folder of the embedded PostgreSQL.

PYTHON = $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
INSTALL = $(or $(PYTHON),$(error Python 3.11, 3.12 or 3.13 is needed, and none is on the PATH. \
	Name yours: make PYTHON=/path/to/python3.12 ...)) .ci/install
PY = .venv/bin/python
SCALE = 300000
SAY = findings list
PORT = 8080
BENCH_SCALE = 10000000
BENCH_ROUNDS = 5
EXAMPLES = 500

# What the tools of the tests remember lies with everything else that a run leaves behind.
export PYTHONPATH := $(CURDIR)/plugins:$(CURDIR)
export RUFF_CACHE_DIR := var/cache/ruff
export MYPY_CACHE_DIR := var/cache/mypy
# Without compiled files each start would compile Airflow anew, ten seconds of it.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONHOME

.PHONY: help audit ask lint check test test-long docs docs-check bench up down lock clean install install-tests
.DEFAULT_GOAL := help

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

audit: install ## Audit the demo company once, through Airflow; exit 0 when exactly what was planted was found (SCALE=300000 rows)
	@$(PY) -m demo.commands audit --scale $(SCALE)

ask: install ## Run privacy-audit over the demo company that make audit left (SAY="findings list")
	@$(PY) -m demo.commands ask $(SAY)

# T and K choose tests: make test T=tests/unit/findings K=waiver
T =
K =
CHOSEN = $(T) $(if $(K),-k "$(K)")
# Three processes for two cores, for some wait; what is in one file shares what it set up, and stays together.
PYTEST = $(PY) -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

lint: install-tests ## Check style, types, import contracts and compiled suites
	$(PY) -m ruff check . .ci/install
	$(PY) -m ruff format --check . .ci/install
	$(PY) -m mypy
	.venv/bin/lint-imports --cache-dir var/cache/import_linter
	$(PY) -m privacy_audit.cli.main compile --check

check: lint ## Run the checks and the quick tests, for every change (T=path K=expression)
	EXAMPLES=5 $(PYTEST) -m "not slow or oracle" $(or $(strip $(CHOSEN)),tests/unit tests/cases tests/oracle)

test: lint ## Run every check and every test (T=path K=expression)
	$(PYTEST) $(CHOSEN)

test-long: lint ## Run every test, the random ones with many examples, for a night (EXAMPLES=500 T=path K=expression)
	EXAMPLES=$(EXAMPLES) $(PYTEST) $(CHOSEN)

docs: install ## Write the reference in docs/reference/ anew from docstrings, models and schemas
	@$(PY) -m docs.generate

docs-check: install ## Fail when a page of docs/reference/ is not what the code says
	@$(PY) -m docs.generate --check

bench: install-tests ## Time the audit beside hand-written SQL, on 10 million rows (BENCH_SCALE=10000000 BENCH_ROUNDS=5)
	@$(PY) -W ignore -m tests.bench --scale $(BENCH_SCALE) --rounds $(BENCH_ROUNDS)

up: install ## Start Airflow's pages and schedule on 127.0.0.1 over the demo company, and leave them running (PORT=8080)
	@$(PY) -m demo.commands up --scale $(SCALE) --port $(PORT)

down: install ## End what make up started
	@$(PY) -m demo.commands down

lock: install ## Resolve the requirements anew, in full and with hashes
	UV_CACHE_DIR=var/cache/uv .ci/lock

.PHONY: sbom ranges
sbom: install ## Write the bill of materials (CycloneDX) and the licences of what the image holds, below var/sbom
	@$(PY) .ci/sbom

ranges: install ## Install the lowest and the highest versions that are allowed, and run some tests with each (minutes)
	@.ci/ranges

clean: ## Remove .venv and var, with all reports in it
	@[ ! -x $(PY) ] || $(PY) -m demo.commands clean
	rm -rf .venv var

install:
	@$(INSTALL) requirements.txt

install-tests:
	@$(INSTALL) requirements.txt tests/requirements.txt
