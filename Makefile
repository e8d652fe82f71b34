# The commands of a checkout. PYTHON picks the interpreter that makes the environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help venv demo test check format lint types layers wheel bench train-mini

help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/'

$(BIN)/lexsearch:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --editable '.[cpu,dev,train,heic,raw]'

venv: $(BIN)/lexsearch  ## make the environment for work on the code

demo: $(BIN)/lexsearch  ## index the sample pictures, search them, show why
	$(BIN)/lexsearch demo

test: $(BIN)/lexsearch  ## all tests
	$(BIN)/python -m pytest -n 2

check: $(BIN)/lexsearch lint types layers test wheel  ## what must be green before a commit

format: $(BIN)/lexsearch  ## put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(BIN)/lexsearch
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(BIN)/lexsearch
	$(BIN)/mypy

layers: $(BIN)/lexsearch
	$(BIN)/lint-imports

wheel: $(BIN)/lexsearch
	rm -rf dist && $(BIN)/python -m build --wheel --outdir dist . >/dev/null
	$(BIN)/check-wheel-contents --toplevel lexsearch,indexer,ui --ignore W004 dist/*.whl

bench: $(BIN)/lexsearch  ## the small benchmarks, with their peers
	$(BIN)/python -m benchmarks

train-mini:  ## train the bundled model anew (needs the extra `train` and LEXSEARCH_SHARED)
	$(BIN)/lexsearch train mini --data $(LEXSEARCH_SHARED) --out runs/mini
