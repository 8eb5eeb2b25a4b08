# Two commands: `make demo` plays the built-in tasks, `make test` runs the tests. Both set up what they need
# in a virtual environment of their own; PYTHON=python3.13 takes another interpreter.

PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VENV ?= .venv-$(VERSION)
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: help demo test check install clean

help:
	@echo "make demo     play tasks/hr with their own solutions and print the scores"
	@echo "make test     run the tests"
	@echo "make check    ruff, mypy and import-linter"
	@echo "make clean    remove the virtual environments and caches"
	@echo "Each takes PYTHON=, the interpreter to use (3.11 or later)."

demo: install
	$(BIN)/python -m pytest tasks/hr --agent=golden

test: install
	$(BIN)/pytest-clawmark setup
	$(BIN)/python -m pytest -n $(WORKERS)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed, $(PYTHON) is '$(VERSION)': give PYTHON=python3.12, say" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "$(PYTHON) cannot make virtual environments: on Debian, apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]' -c constraints.txt
	@touch $@

clean:
	rm -rf .venv-* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
