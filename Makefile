# Everything runs in an environment of its own, .venv, which each target sets up when it has to.
# PYTHON=/path/to/python3.12 chooses the interpreter; CHROMIUM=/path/to/chromium the browser of the tests, which run in
# TEST_PROCESSES processes.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
TEST_PROCESSES := 2
# Tests that keep two processors busy by themselves run after the others.
BUSY := tests/store/crash tests/browser
BIN := $(VENV)/bin
# The name of a stamp holds what the environment was made from: a change of these files, or of the place, makes a new one.
STATE := $(shell { pwd; cat pyproject.toml constraints.txt; } | cksum | cut -d ' ' -f 1)
RUNTIME := $(VENV)/.runtime-$(STATE)
DEV := $(VENV)/.dev-$(STATE)
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install -c constraints.txt

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(RUNTIME) ## build a synthetic log and print the ranked queue
	@$(BIN)/sweeplens demo

.PHONY: app
app: $(RUNTIME) ## open the app on the store in indexes/
	@$(BIN)/sweeplens app

.PHONY: test
test: lint chromium ## lint, then all tests, those in a real browser included
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile $(BUSY:%=--ignore=%)
	@export CHROMIUM="$$($(FIND_CHROMIUM))"; $(BIN)/python -m pytest $(BUSY)

.PHONY: lint
lint: $(DEV) ## ruff, mypy, and the order of the rooms
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: bench
bench: $(DEV) ## run the benchmarks and print their tables (CORPORA=folder: on prompts of your own)
	@shopt -s nullglob; \
	files=(benchmarks/bench_*.py); \
	if [ "$${#files[@]}" = 0 ]; then echo "benchmarks/ holds no bench_*.py" >&2; exit 1; fi; \
	for file in "$${files[@]}"; do \
		echo "== $$file"; \
		$(BIN)/python "$$file" $(if $(CORPORA),--corpora "$(CORPORA)"); \
	done

.PHONY: clean
clean: ## remove .venv and what the tools cache; stores and verdicts stay
	@rm -rf $(VENV) build dist htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find coverage tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# -- the environment ---------------------------------------------------------------------------------------------------

# The first Python that is new enough and can make an environment (Debian leaves venv out of its python3).
FIND_PYTHON = for python in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3 python; do \
		if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' > /dev/null 2>&1; then \
			echo "$$python"; exit 0; \
		fi; \
	done; \
	echo "SweepLens needs Python 3.11 or newer with its venv module, and found none: install it (on Debian: python3 and" \
		"python3-venv), or name one with make PYTHON=/path/to/python." >&2; \
	exit 1

ENVIRONMENT = if ! $(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' > /dev/null 2>&1; then \
		python="$$($(FIND_PYTHON))"; \
		echo "making $(VENV) with $$python" >&2; \
		"$$python" -m venv --clear $(VENV); \
	fi

$(RUNTIME):
	@$(ENVIRONMENT)
	@echo "installing SweepLens into $(VENV); the first time this takes some minutes" >&2
	@$(PIP) -e .
	@rm -f $(VENV)/.runtime-* && touch $@

$(DEV):
	@$(ENVIRONMENT)
	@echo "installing SweepLens and its development tools into $(VENV); the first time this takes some minutes" >&2
	@$(PIP) -e '.[dev]'
	@rm -f $(VENV)/.runtime-* $(VENV)/.dev-* && touch $(RUNTIME) $@

# -- the browser of the tests ------------------------------------------------------------------------------------------

FIND_CHROMIUM = if [ -n "$${CHROMIUM:-}" ]; then command -v "$$CHROMIUM"; exit; fi; \
	command -v chromium || command -v chromium-browser || command -v google-chrome; exit

.PHONY: chromium
chromium:
	@if ($(FIND_CHROMIUM)) > /dev/null; then exit 0; fi; \
	if [ -z "$${CHROMIUM:-}" ] && [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
		echo "installing Chromium for the browser tests" >&2; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
			chromium fonts-dejavu-core > /dev/null; \
	fi; \
	if ! ($(FIND_CHROMIUM)) > /dev/null; then \
		echo "The browser tests need Chromium, and none was found: install it (on Debian: sudo apt-get install chromium)," \
			"or name one with CHROMIUM=/path/to/chromium make test." >&2; \
		exit 1; \
	fi
