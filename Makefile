# mingjing: one command for each thing one does here. `make` alone says which.
# Needs Python 3.11 or newer, git and make; everything else goes into .venv, by hash, from the two lock files.

.DEFAULT_GOAL := help
PORT ?= 8123
DATA ?= var/demo
only ?=

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.PHONY: help demo test check bench acceptance lock clean

help: ## this list
	@echo "mingjing, electronic supervision over a province's databases. What make can do:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 \2/p' $(MAKEFILE_LIST) | awk '{printf "  make %-11s", $$2; $$1=$$2=""; print $$0}'

demo: .venv/run.stamp ## a province on this machine, with data, until Ctrl-C   (PORT=8123 DATA=var/demo)
	@$(BIN)/python -m gateway demo --port $(PORT) --data $(DATA); \
		code=$$?; case $$code in 0|130|143) ;; *) exit $$code ;; esac

test: .venv/dev.stamp ## the test suite   (only=tests/read, only=tests/read/test_merge.py::test_ties, or only="an expression")
	@$(BIN)/python -m pytest -n 6 --dist loadfile $(call selected,$(only))

check: .venv/dev.stamp ## lint, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: .venv/dev.stamp ## the measurements, to bench/results.json   (only=list50-postgres)
	@$(BIN)/python -m bench $(only)

acceptance: .venv/dev.stamp ## the checks that are too long for the suite   (only=national)
	@failed=; for script in $(if $(only),acceptance/$(only).py,$(sort $(wildcard acceptance/[a-z]*.py))); do \
		name=$$(basename $$script .py); echo "== $$name"; \
		$(BIN)/python -m acceptance.$$name || failed="$$failed $$name"; \
	done; if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi; echo "all held"

lock: .venv/made.stamp ## write both lock files anew from pyproject.toml   (only=PACKAGE moves that one to its newest version, only=all every one)
	@$(PIP) install uv
	@$(LOCK) $(call moved,$(only)) pyproject.toml --group build -o requirements.lock
	@$(LOCK) $(call moved,$(only)) pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock

clean: ## remove .venv, caches and the demo's data
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info var/demo
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A path that exists (before ::) is a path to pytest, anything else an expression for -k.
selected = $(if $(1),$(if $(wildcard $(firstword $(subst ::, ,$(1)))),"$(1)",-k "$(1)"))
moved = $(if $(1),$(if $(filter all,$(1)),--upgrade,--upgrade-package $(1)))

.venv/made.stamp:
	@test -n "$(PYTHON)" || { echo "mingjing needs Python 3.11 or newer; none was found. Say which: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

.venv/run.stamp: requirements.lock pyproject.toml .venv/made.stamp
	@echo "installing what mingjing runs on, by hash, into .venv ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: requirements-dev.lock .venv/run.stamp
	@echo "installing what its tests need ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
