# The commands of a checkout. PYTHON picks the interpreter that makes the environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help venv demo test check format lint types layers wheel lock audit docs fuzz bench bench-model \
	train-mini torture mutants

help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/'

READY := $(VENV)/.ready-for-development
$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --editable '.[cpu,dev,train,eval,fast,heic,raw,ui,server,docs]'
	touch $(READY)

venv: $(READY)  ## make the environment for work on the code

demo: $(READY)  ## index the sample pictures, search them, show why
	$(BIN)/lexsearch demo

test: $(READY)  ## all tests
	$(BIN)/python -m pytest -n 2

check: $(READY) lint types layers test wheel  ## what must be green before a commit

format: $(READY)  ## put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

layers: $(READY)
	$(BIN)/lint-imports

wheel: $(READY)
	rm -rf dist && $(BIN)/python -m build --wheel --outdir dist . >/dev/null
	$(BIN)/check-wheel-contents --toplevel lexsearch,indexer,ui --ignore W004 dist/*.whl

# Tools that need no place in the environment they look at.
TOOLS := $(VENV)/tools
$(TOOLS):
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet uv pip-audit

lock: $(TOOLS)  ## write requirements.lock anew, with the newest versions
	sed -n '/^#/p' requirements.lock > $(TOOLS)/head
	$(TOOLS)/bin/uv pip compile --no-config --quiet --upgrade --universal --python-version 3.11 \
		--extra cpu --group pyproject.toml:build --generate-hashes --no-annotate --no-header \
		pyproject.toml --output-file $(TOOLS)/lock
	cat $(TOOLS)/head $(TOOLS)/lock > requirements.lock

audit: $(TOOLS)  ## look for known weaknesses in what requirements.lock installs
	@$(TOOLS)/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off \
		-r requirements.lock || { echo "audit: weaknesses were found, or the database of PyPI" \
		"did not answer for every package (the lines above say which): NOT audited" >&2; exit 1; }

fuzz: $(READY)  ## mutate pictures, queries and index files for minutes (FUZZ_EXAMPLES each)
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-20000} $(BIN)/python -m pytest -n 0 --timeout 0 tests/fuzz \
		tests/lexsearch/bundle/test_fuzz.py tests/lexsearch/server/test_fuzz.py

docs: $(READY)  ## build the documentation site into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "open site/index.html"

bench: $(READY)  ## the small benchmarks, with their peers
	$(BIN)/python -m benchmarks

bench-model: $(READY)  ## measure the bundled model against its targets (LEXSEARCH_SHARED names the data folder)
	$(BIN)/python -m benchmarks.bench_model --save

torture: $(READY)  ## kill, fill, cut off and race the command line (LEXSEARCH_SHARED names the data folder)
	$(BIN)/python -m benchmarks.torture --save --jobs 2

mutants: $(READY)  ## plant known faults into copies of the tree; each must be caught
	$(BIN)/python -m benchmarks.mutants --save

train-mini: $(READY)  ## train the bundled model anew (LEXSEARCH_SHARED names the data folder)
	$(BIN)/python sample_corpus/render.py --seed 7001 --count 5000 --out runs/scenes --size 224x224 --no-masks
	$(BIN)/lexsearch train mini --data $(LEXSEARCH_SHARED) --scenes runs/scenes --out runs/mini
