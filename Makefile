# Everything a user or a developer types. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?=
ENGINE ?= auto
DOMAIN ?= django
PORT ?= 7860
ARGS ?=
PYTEST_ARGS ?=

# Any Python 3 can run the set-up, which then finds or names the right one.
ANY_PYTHON := $(shell command -v python3 || command -v python3.13 || command -v python3.12 || command -v python3.11)
BIN := .venv/bin
BENCHES := $(subst _,-,$(patsubst bench/bench_%.py,bench-%,$(wildcard bench/bench_*.py)))
.PHONY: help setup run test test-unit check format docs lock clean $(BENCHES)

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20
	@for bench in $(sort $(BENCHES)); do printf '%-19s measure it (ARGS=--help)\n' $$bench; done

setup:  ## make .venv ready (PYTHON=python3.12, ENGINE=cpu|gpu|remote)
	@if [ -z "$(ANY_PYTHON)" ]; then echo "setup: error: no python3 on PATH; install Python 3.11, 3.12 or 3.13"; exit 1; fi
	@$(ANY_PYTHON) scripts/setup.py --engine $(ENGINE) --python "$(PYTHON)"

run: setup  ## chat with a domain or several in the browser (DOMAIN="django helpdesk", PORT=7860, ARGS=...)
	@exec $(BIN)/graft up $(addprefix --domain ,$(DOMAIN)) --port $(PORT) $(ARGS)

test: setup  ## all tests, quick ones first (PYTEST_ARGS=...)
	@exec $(BIN)/python scripts/test.py $(PYTEST_ARGS)

test-unit: setup  ## the tests that need neither network nor models
	@$(BIN)/python -m pytest $(PYTEST_ARGS) tests/unit

check: setup  ## lint, format, types, import contracts, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python scripts/generate_docs.py --check

format: setup  ## let ruff fix and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## write docs/settings.md and docs/cli.md anew from the code
	$(BIN)/python scripts/generate_docs.py

lock: setup  ## compile requirements/*.txt anew (ARGS=--upgrade for newest versions)
	$(BIN)/python scripts/lock.py $(ARGS)

$(BENCHES): bench-%: setup
	@exec $(BIN)/python bench/bench_$(subst -,_,$*).py $(ARGS)

clean:  ## remove build leftovers; keeps .venv and the workspace .graft
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .import_linter_cache
	find . -path ./.venv -prune -o -path ./.graft -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
	@echo "kept: .venv (rm -rf .venv) and .graft, which holds your models, indexes and adapters"
