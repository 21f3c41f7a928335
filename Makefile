# Needs only python3 (3.11 or newer, with venv) and make. `make` alone tells what there is.
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# A step of an installation: prints what its command said only when it failed, not when Ctrl-C ended it.
step = @trap 'echo "Stopped. The next make goes on with it." >&2; exit 130' INT; \
  said=$$($(1) 2>&1) || { printf '%s\n' "$$said" >&2; exit 1; }

# What `make dev` takes in the words of the README.
DEV_ARGS := $(if $(filter 1 true yes,$(OFFLINE)),--offline) $(if $(FORWARD_TO),--forward-to "$(FORWARD_TO)") $(if $(RELAY),--relay "$(RELAY)")

# One stamp for running, one for working on devkit: a second run installs nothing, and `make dev` waits for no linter.
RUN := $(VENV)/run-stamp
DEV := $(VENV)/dev-stamp

$(RUN): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "devkit needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@echo "Installing devkit into $(VENV) ..."
	$(call step,$(PYTHON) -m venv $(VENV))
	$(call step,$(PIP) install --constraint constraints.txt --upgrade pip)
	$(call step,$(PIP) install --constraint constraints.txt --editable ".[relay]")
	@echo "Installed. To type devkit in another terminal, first type there: . $(VENV)/bin/activate"
	@touch $@

$(DEV): $(RUN)
	@echo "Installing the tools for tests and checks ..."
	$(call step,$(PIP) install --constraint constraints.txt --group dev)
	@touch $@

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: dev
dev: $(RUN) ## Record receipts until Ctrl-C  [OFFLINE=1] [FORWARD_TO=URL] [RELAY=URL] [ARGS=...]
	@$(BIN)/devkit dev $(DEV_ARGS) $(ARGS)

.PHONY: replay
replay: $(RUN) ## Send recorded receipts to local code  FIXTURE=latest [TO=URL] [ARGS=...]
	@$(BIN)/devkit replay $(or $(FIXTURE),latest) $(if $(TO),--to "$(TO)") $(ARGS)

.PHONY: trigger
trigger: $(RUN) ## Send a new receipt to the session, or to local code  STATUS=delivered [TO=URL] [ARGS=...]
	@$(BIN)/devkit trigger $(or $(STATUS),delivered) $(if $(TO),--to "$(TO)") $(ARGS)

.PHONY: send
send: $(RUN) ## Send a test SMS; its receipts come to this session  [ARGS='--to ... --wait']
	@$(BIN)/devkit send $(ARGS)

.PHONY: doctor
doctor: $(RUN) ## Walk the whole path and say what is wrong and what to type  [ARGS=...]
	@$(BIN)/devkit doctor $(ARGS)

# Tests wait about as long as they compute, so two cores are busy with four processes. `worksteal` keeps the tests of
# a module together: fewer browsers and wheels are made than with the default. Some machines set PYTHONDONTWRITEBYTECODE:
# then each of some hundred processes would compile all of devkit, and each of the four all tests.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses 4 --dist worksteal

# All but whole programs; with ARGS what these name, whatever it is.
.PHONY: test
test: $(DEV) ## Run the tests, four at a time  [ARGS=tests/fixture/test_format.py]
	@$(PYTEST) $(or $(ARGS),-m "not program")

.PHONY: programs
programs: $(DEV) ## Run the tests of whole programs: a browser, a wheel, tunnels, Node  [ARGS=...]
	@$(PYTEST) -m program $(ARGS)

.PHONY: lint
lint: $(DEV) ## Look for mistakes and for imports that flow up
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/python fixtures/make_samples.py --check

.PHONY: types
types: $(DEV) ## Check the types
	@$(BIN)/mypy

.PHONY: check
check: lint types test programs ## All that CI runs: lint, types, test, programs

.PHONY: reliability
reliability: $(DEV) ## Crash, flood and attack it for some minutes: docs/reliability.md
	@PYTHONDONTWRITEBYTECODE= DEVKIT_LONG=1 DEVKIT_KILL_ROUNDS=50 $(BIN)/python -m pytest reliability tests/session/test_restore_killed.py tests/simulator/test_simulate_volume.py tests/project/test_action.py $(ARGS)
	@DEVKIT_LONG=1 $(BIN)/python -m pytest -m hypothesis tests

.PHONY: bench
bench: $(DEV) ## Measure it beside the alternatives: docs/performance.md  [QUICK=1]
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(ARGS)

.PHONY: format
format: $(DEV) ## Put the code into its standard form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: clean
clean: ## Remove what was installed and built; recordings stay
	@rm -rf $(VENV) .venv-bench build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find devkit tests -name __pycache__ -type d -prune -exec rm -rf {} +
