# `make help` lists what there is. Everything runs from .venv, which ./setup.sh makes.
.DEFAULT_GOAL := help
.PHONY: help setup setup-test run test test-slow bench lint format lock clean
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: ## make .venv from the lock (quick when nothing changed)
	@./setup.sh

setup-test: ## also install what tests need
	@./setup.sh --dev

run: setup ## take one bundled contribution through the whole chain
	@$(BIN)/hokusai evaluate data/test_fixtures/test_queries.csv --benchmark sms-spam

test: setup-test ## all tests but the long simulations
	@$(PYTEST) -n 2 --dist loadgroup -m "not slow"

test-slow: setup-test ## the long simulations
	@$(PYTEST) -n 2 -m slow

bench: setup-test ## speed and memory beside other tools, written to perf/RESULTS.md
	@$(BIN)/python -m perf --write

lint: setup-test ## style, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: setup-test ## rewrite to the agreed style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: setup-test ## resolve pyproject.toml anew into requirements/*.lock
	@./requirements/lock.sh

clean: ## remove .venv and caches (never .hokusai, your data)
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
