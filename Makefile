# The front door: `make demo` to see it work, `make test` to prove it, `make help` for the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
SECONDS ?=
WEEKS ?= 200
WRITE ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
HA_VENV := .venv-ha

.PHONY: help
help: ## Show what there is
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 26

$(READY): requirements/dev.txt pyproject.toml kilopush_bridge/__init__.py
	@tools/check_python.sh $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.PHONY: setup
setup: $(READY) ## Make .venv/bin/kilopush-bridge

.PHONY: system
system: # Debian packages that the tests need; says what is missing when they cannot be installed
	@tools/system_packages.sh mosquitto faketime
	@tools/system_packages.sh chromium

.PHONY: setup-wasm
setup-wasm: # MicroPython with the 32 bits of a board; says so when there is no node
	@tools/wasm.sh

.PHONY: setup-ha
setup-ha: setup # Home Assistant in an environment of its own; says so when it cannot be had
	@tools/home_assistant.sh

.PHONY: demo
demo: setup ## See it work: broker, devices, bridge and phone in one terminal (SECONDS=20 ends by itself)
	@$(BIN)/kilopush-bridge demo $(if $(SECONDS),--seconds $(SECONDS))

.PHONY: test
test: setup system lint check-copies types imports test-unit test-timeline test-micropython test-simulation test-integration test-home-assistant test-end-to-end ## Run all checks and tests

.PHONY: test-unit
test-unit: setup ## Fast tests: no broker, no processes
	$(BIN)/pytest tests/unit

.PHONY: test-integration
test-integration: setup system ## Real broker, real processes, real HTTP
	$(BIN)/pytest tests/integration

.PHONY: test-home-assistant
test-home-assistant: setup setup-ha ## Home Assistant: unit tests, checks, types
	@if [ ! -e $(HA_VENV)/.ready ]; then echo "skipped: there is no $(HA_VENV)"; exit 0; fi; set -x; \
	$(HA_VENV)/bin/mypy --strict --python-version 3.14 -p custom_components.kilopush; \
	$(HA_VENV)/bin/pytest tests/home_assistant \
	  --cov=custom_components/kilopush --cov-report=term-missing:skip-covered --cov-fail-under=95

.PHONY: test-end-to-end
test-end-to-end: setup setup-ha system ## A real Home Assistant, driven by REST and a browser
	$(BIN)/pytest tests/end_to_end

.PHONY: test-micropython
test-micropython: setup setup-wasm ## Board code and the shared vectors on MicroPython, 64 and 32 bits
	$(BIN)/pytest tests/micropython

.PHONY: test-timeline
test-timeline: setup ## Every word of a rule, as stories on a simulated clock
	$(BIN)/pytest tests/timeline

.PHONY: test-simulation
test-simulation: setup ## Hostile weeks on a simulated clock
	$(BIN)/pytest tests/simulation

.PHONY: simulate
simulate: setup ## More of them (WEEKS=2000), and the table of docs/quota.md
	cd tests && ../$(BIN)/python -m simulation $(WEEKS) $(if $(WRITE),--write ../docs/quota.md)

.PHONY: picture
picture: setup ## Draw the day in docs/quota.md, and the pictures of docs/rules.md
	cd tests && ../$(BIN)/python -m simulation.picture ../docs/quota-day.svg
	cd tests && ../$(BIN)/python -m timeline.picture

.PHONY: lint
lint: setup ## Formatting, lint, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

.PHONY: format
format: setup ## Apply formatting and safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: copies
copies: setup ## Renew the copies of core/ that boards carry
	$(BIN)/python tools/copy_core.py

.PHONY: check-copies
check-copies: setup
	@$(BIN)/python tools/copy_core.py --check

.PHONY: types
types: setup ## mypy, strict
	$(BIN)/mypy

.PHONY: imports
imports: setup ## The layers of docs/architecture.md
	$(BIN)/lint-imports

.PHONY: board
board: setup ## Compile the MicroPython module for boards into build/board
	$(BIN)/python tools/build_board.py

.PHONY: bench
bench: setup system ## Measure speed and memory; writes docs/performance.md
	$(BIN)/python -m bench

.PHONY: bench-board
bench-board: setup setup-wasm ## What the MicroPython module takes of a board; WRITE=1: into its README
	$(BIN)/python -m bench.board $(if $(WRITE),--write)

.PHONY: lock
lock: setup ## Renew the locked requirements
	tools/lock.sh

.PHONY: clean
clean: ## Remove what setup and the tools made
	rm -rf $(VENV) $(HA_VENV) .venv-mqttwarn .venv-run build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
