# DARec Lab. `make help` explains the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TOOLS := .venv-tools
TOOLS_STAMP := $(TOOLS)/.installed
PEFT := .venv-peft
PEFT_STAMP := $(PEFT)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.PHONY: help setup tools demo up stop status test faults bench lint browser clean

help:  ## this text
	@echo "DARec Lab: fair experiments with sequential recommenders."
	@echo
	@echo "On a fresh machine (Linux, Python 3.11 or newer) two commands do everything:"
	@echo "  make demo    start it, train SASRec and DARec on a data set, try a search, show the results, keep serving"
	@echo "  make test    check style and types, run all tests"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "Variables:"
	@echo "  PYTHON=python3.12   the Python that .venv is made with (now: $(PYTHON))"
	@echo "  DATA=folder         demo: your data, a folder with interactions.csv[.gz] and items.csv[.gz]"
	@echo "  CHECK=1             demo: check the pages, then stop everything and exit"
	@echo "  TESTS=path          test: only these tests"
	@echo "  BENCH=options       bench: options of 'python -m engine bench all'"
	@echo "  PAGES=options       bench: options of 'python -m tests.benchmarks.pages'"
	@echo "  LOAD=options        bench: options of 'python -m tests.benchmarks.load'; a soak: --seconds 1800 --again"
	@echo "  STATUS=options      bench: options of 'python -m tests.benchmarks.status'"
	@echo "All settings from the environment are listed in README.md."

setup: $(STAMP)  ## build .venv with everything (the other targets do it when needed)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is missing or older than 3.11. Install Python 3.11 or newer, or name it: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install python3-venv" >&2; exit 2; }
	@test -x $(BIN)/python || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	@echo "Installing the pinned packages into $(VENV): a minute or two."
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

tools: $(TOOLS_STAMP) $(PEFT_STAMP)  ## build the environments of other people's tools, which some tests ask (`make test` does it)

$(TOOLS_STAMP): tests/tools/requirements.txt | $(STAMP)
	@rm -rf $(TOOLS) && $(PYTHON) -m venv $(TOOLS)
	@echo "Installing the tests' tools into $(TOOLS): a minute or two."
	@$(TOOLS)/bin/python -m pip install --quiet --no-deps --requirement tests/tools/requirements.txt
	@touch $(TOOLS_STAMP)

$(PEFT_STAMP): tests/tools/peft.txt constraints.txt | $(STAMP)
	@rm -rf $(PEFT) && $(PYTHON) -m venv $(PEFT)
	@echo "Installing PEFT without this project into $(PEFT): a minute."
	@$(PEFT)/bin/python -m pip install --quiet --constraint constraints.txt --requirement tests/tools/peft.txt
	@touch $(PEFT_STAMP)

demo: setup  ## the whole way from a log file to recommendations (DATA=folder, CHECK=1)
	@$(BIN)/python -m deploy.local.demo $(if $(DATA),--data "$(DATA)") $(if $(filter-out 0,$(CHECK)),--check)

up: setup  ## start all services and supervise them until Ctrl-C
	@$(BIN)/python -m deploy.local up

stop: setup  ## stop the services that `make up` or `make demo` started
	@$(BIN)/python -m deploy.local stop

status: setup  ## say what runs
	@$(BIN)/python -m deploy.local status

test: setup lint browser tools  ## style, types and every test, the browser's and the services' too
	@if [ -n "$(TESTS)" ]; then exec $(BIN)/python -m pytest $(TESTS) </dev/null; fi; \
	log=$$(mktemp); $(BIN)/python -m pytest tests/engine >"$$log" 2>&1 </dev/null & engine=$$!; \
	trap 'kill $$engine 2>/dev/null; rm -f "$$log"' EXIT; \
	$(BIN)/python -m pytest --ignore=tests/engine </dev/null; rest=$$?; \
	wait $$engine; status=$$?; echo "The engine's tests, which ran beside those above:"; cat "$$log"; \
	exit $$((rest > status ? rest : status))

faults: setup  ## inject faults, many more than `make test` does, and print what survived (FAULT_ROUNDS=10 FAULT_SEED=0)
	@FAULT_ROUNDS=$${FAULT_ROUNDS:-10} $(BIN)/python -m pytest tests/faults -q </dev/null

bench: setup  ## measure training, ranking, pages with 2,000 runs, 200 clients that wait, and everybody at once (BENCH="--seconds 60", PAGES=...)
	@$(BIN)/python -m engine bench all $(BENCH)
	@$(BIN)/python -m tests.benchmarks.pages $(PAGES)
	@$(BIN)/python -m tests.benchmarks.status $(STATUS)
	@$(BIN)/python -m tests.benchmarks.load $(LOAD)

lint: setup  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

browser: setup
	@$(BIN)/python -m deploy.local.browser

clean:  ## remove the environments, caches and built files (the state folder .local stays)
	rm -rf $(VENV) $(TOOLS) $(PEFT) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
