# make demo, make test, make check, make test-services, make bench: README.md tells what each does.
# A machine needs Python 3.11 or later and make; all else is installed into .venv, once.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
JOBS ?= 2
CHAOS_SECONDS ?= 120
export PORT

# The first of these that is 3.11 or later (a version manager may have names here that start nothing).
PYTHON ?= $(shell for name in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$name && break; done)

POSTGRES_URL := $(or $(DATABASE_URL),postgres://postgres@127.0.0.1:5432/postgres)
CACHE_URL := $(or $(REDIS_URL),redis://127.0.0.1:6379/9)
RABBITMQ_URL := $(or $(filter amqp%,$(BROKER_URL)),amqp://guest:guest@127.0.0.1:5672/)

PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile
# A shell that is set up for servers must not change what these two test.
EMBEDDED := env -u DATABASE_URL -u REDIS_URL -u BROKER_URL

# What never meets a server need not run again for each: pure packages, and programs that are always embedded.
NO_SERVER := -m "not embedded" $(addprefix --ignore=tests/,architecture examples security/leakage)

.PHONY: help demo test check static test-services bench chaos fuzz lint format

help:
	@echo "make demo            two teams of agents at work, to watch (PORT=8000; DEMO_EXIT=1 leaves afterwards)"
	@echo "make test            the tests that need no server"
	@echo "make check           format, lint, types, imports, migrations, security, tests with their coverage"
	@echo "make test-services   the tests on PostgreSQL, Redis and RabbitMQ"
	@echo "make bench           the benchmarks"
	@echo "make chaos           everything goes wrong while customers submit (CHAOS_SECONDS=120 with each broker; CHAOS_SEED)"
	@echo "make format          write the code in its format"

demo: $(VENV)/installed
	@$(BIN)/python -m a2a_project.demo

test: $(VENV)/installed-dev
	@$(EMBEDDED) $(PYTEST) $(if $(COVERAGE),--cov --cov-report= --cov-fail-under=0)

# TESTED=1 judges the coverage that `make test COVERAGE=1` has left, and does not run the tests once more.
check: static
	@$(if $(TESTED),,$(MAKE) test COVERAGE=1)
	@$(BIN)/coverage report

static: lint
	@$(EMBEDDED) $(BIN)/mypy
	@$(BIN)/lint-imports
	@$(EMBEDDED) $(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive a2a_project audit security delegation examples
	@$(BIN)/python -m tests.advisories

lint: $(VENV)/installed-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

format: $(VENV)/installed-dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test-services: $(VENV)/installed-dev
	@$(BIN)/python -m tests.services "$(POSTGRES_URL)" "$(CACHE_URL)" "$(RABBITMQ_URL)"
	@echo "PostgreSQL and Redis:"
	@DATABASE_URL="$(POSTGRES_URL)" REDIS_URL="$(CACHE_URL)" BROKER_URL="$(CACHE_URL)" $(PYTEST) $(NO_SERVER)
	@echo "PostgreSQL and RabbitMQ:"
	@DATABASE_URL="$(POSTGRES_URL)" REDIS_URL="$(CACHE_URL)" BROKER_URL="$(RABBITMQ_URL)" $(PYTEST) $(NO_SERVER)

bench: $(VENV)/installed-dev
	@$(BIN)/python -m benchmarks

fuzz: $(VENV)/installed-dev
	@mkdir -p var/fuzz
	@PYTHONPATH=. $(BIN)/python tests/fuzz/leakage.py -max_total_time=$(or $(FUZZ_SECONDS),60) -max_len=1500 -timeout=20 \
		-artifact_prefix=var/fuzz/ var/fuzz

# On servers of its own, which it starts in a temporary folder, kills and empties.
chaos: $(VENV)/installed-dev
	@$(EMBEDDED) CHAOS_SECONDS=$(CHAOS_SECONDS) $(BIN)/python -m pytest tests/chaos -s

# pip's own words go to a file; what a person needs to know is one line.
INSTALL = "$(BIN)/python" -m pip install --quiet --disable-pip-version-check -r

$(VENV)/installed: requirements.txt | $(BIN)/pip
	@echo "Installing the pinned packages into $(VENV) (once, about a minute) ..."
	@$(INSTALL) $< >$(VENV)/install.log 2>&1 || { echo "make: packages could not be installed:" \
		"$$(grep -m 1 '^ERROR' $(VENV)/install.log || tail -n 1 $(VENV)/install.log) (more in $(VENV)/install.log)" >&2; exit 1; }
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt requirements.txt | $(BIN)/pip
	@echo "Installing the pinned packages and tools into $(VENV) (once, one or two minutes) ..."
	@$(INSTALL) $< >$(VENV)/install.log 2>&1 || { echo "make: packages could not be installed:" \
		"$$(grep -m 1 '^ERROR' $(VENV)/install.log || tail -n 1 $(VENV)/install.log) (more in $(VENV)/install.log)" >&2; exit 1; }
	@touch $@ $(VENV)/installed

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or later is needed, and none was found" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { echo "make: '$(PYTHON) -m venv' failed;" \
		"on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
