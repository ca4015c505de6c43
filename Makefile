# Every command a person or CI needs. The steps themselves are scripts in .ci/, so that both run the same.

VENV := .venv
BIN := $(VENV)/bin
# The Python (3.11 or newer) that the virtual environment is made from.
PYTHON ?= python3
export PYTHON VENV
# The tests start hundreds of Python processes, which all read what the first has compiled.
unexport PYTHONDONTWRITEBYTECODE
# And hundreds of makes, none of which is part of a `make -j`.
unexport MAKEFLAGS MFLAGS

# A stamp is written after its environment was installed, so that nothing happens until an input changes.
# The packages' __init__.py are inputs because an editable install knows only the packages of its day.
BASE := $(VENV)/.stamp-base
RL := $(VENV)/.stamp-rl
PACKAGES := $(wildcard */amper*/__init__.py)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all signoff lint docs format record clean lock

help: ## Show this help
	@echo "Usage: make TARGET [PYTHON=python3.12]"
	@echo
	@sed -nE 's/^([a-z-]+):.*## (.*)$$/\1|\2/p' Makefile | while IFS='|' read -r target text; do printf '  %-8s %s\n' "$$target" "$$text"; done

setup: $(BASE) $(RL) ## Install everything into .venv (done by the other targets when needed)

# The demo needs only the base environment: PyTorch, which only the recorder uses, is left for later.
demo: $(BASE) ## Generate, simulate and compare the hardware with the golden model
	$(BIN)/amper demo

test: lint ## Check style, types and imports, then run the tests
	$(BIN)/python -m pytest

test-all: lint ## The same with the long tests too, which `make test` leaves out
	$(BIN)/python -m pytest -m ""

signoff: $(BASE) ## Run a little of every stage of verification, with a page of what passed (ARGS="-o DIR": all)
	$(BIN)/amper signoff $(or $(ARGS),--quick)

lint: $(RL) ## Check style, types and imports only
	.ci/lint.sh

docs: $(BASE) ## Build the documentation site into build/docs
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs

format: $(BASE) ## Format the code and fix what ruff can fix
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

record: $(RL) ## Train a DQN agent and record its replay trace (ARGS="..." is passed on)
	$(BIN)/amper record $(ARGS)

clean: ## Remove build products and caches (.venv stays: remove it by hand)
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -type d \( -name __pycache__ -o -name sim_build \) -prune -exec rm -rf {} +

lock: ## Pin every package again in the two lock files (remove them first to take newer versions)
	.ci/lock.sh

$(BASE): requirements.lock pyproject.toml setup.py $(PACKAGES) $(wildcard sw/amper/cores/c/*.[ch] sw/amper/cores/c/*/*.[ch]) .ci/setup.sh .ci/system-packages.sh
	.ci/setup.sh base
	@touch $@

$(RL): requirements-rl.lock $(BASE)
	.ci/setup.sh rl
	@touch $@
