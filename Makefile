# Every target sets up .venv first; a rerun costs nothing.  PYTHON=... picks the interpreter.
.PHONY: help demo setup test check lint types layers fast slow accept bench

BIN := .venv/bin
STAMP := .venv/.ready
JOBS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(JOBS) -q

help:
	@echo "make demo    from nothing to a judged campaign with a movie, and a real catchment"
	@echo "make test    set-up, then every check and test but the acceptance"
	@echo "make check   the fast loop: lint types layers fast"
	@echo "make accept  end to end;  make bench  timings, appended to benchmarks/results"

demo: setup
	@tools/demo.sh outputs/demo

setup: $(STAMP)

$(STAMP): pyproject.toml tools/setup.sh
	@tools/setup.sh
	@touch $(STAMP)

test: setup check slow

check: lint types layers fast

lint: setup
	$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

fast: setup
	$(PYTEST) -m "not slow and not accept"

# pytest exits 5 when a marker selects nothing: no fault as long as no test carries the marker.
slow: setup
	$(PYTEST) -m "slow and not accept" || { test $$? = 5 && ! grep -rq 'mark\.slow' tests; }

accept: setup
	$(PYTEST) -m accept || { test $$? = 5 && ! grep -rq 'mark\.accept' tests; }

bench: setup
	$(BIN)/python -m benchmarks
