# The one door for tasks. Needs Python 3.11 or later, pip and make; everything else goes into .venv.

PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3 2>/dev/null))
BUF_VERSION := 1.75.0
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What is measured is what is deployed: the package installed with its stages as machine code, beside the editable one.
RELEASE := build/release
# What goes into an installation: a change of these asks for a new one (the tree itself is editable).
INPUTS := pyproject.toml hatch_build.py detect_icd/text.py $(wildcard detect_icd/compile/*.py) \
	$(shell find proto -name '*.proto') $(shell find lexicon -type f 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo test lint format proto lexicon eval bench soak fuzz clean install mcd-export

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP)  ## set up .venv with the package (editable) and the development tools

$(STAMP): $(INPUTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "detect-icd needs Python 3.11 or later; found: $$($(PYTHON) --version). Say which: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(RELEASE)/.installed: $(INPUTS) $(shell find detect_icd -name '*.py' -not -path 'detect_icd/v1/*')
	@test -x $(RELEASE)/bin/python || $(PYTHON) -m venv $(RELEASE)
	@echo "setting up $(RELEASE), compiled (two minutes, needs a C compiler) ..."
	@BUILD_WITH_MYPYC=1 $(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps .
	@$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check 'detect-icd[dev]'
	@touch $@

demo: $(STAMP)  ## start a server, send it a note, show what it finds (page: build/demo.html)
	@$(BIN)/python examples/demo.py

test: $(STAMP)  ## all tests
	@$(BIN)/python -m pytest

lint: $(STAMP)  ## ruff, mypy, buf, known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@mkdir -p build/googleapis/google/rpc
	@cp "$$($(BIN)/python -c 'from google.rpc import status_pb2; print(status_pb2.__file__.replace("_pb2.py", ".proto"))')" build/googleapis/google/rpc/
	@if command -v npx >/dev/null && npx --yes @bufbuild/buf@$(BUF_VERSION) --version >/dev/null 2>&1; then \
		echo "buf lint"; npx --yes @bufbuild/buf@$(BUF_VERSION) lint; \
	else echo "buf lint: skipped, it needs npx (Node.js) and the npm package @bufbuild/buf"; fi
	@sh .ci/audit $(BIN)/pip-audit

format: $(STAMP)  ## put code and concept tables into their one form
	$(BIN)/python -m detect_icd.compile.order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: $(STAMP)  ## generate the stubs again (detect_icd/v1)
	$(BIN)/python hatch_build.py proto

lexicon: $(STAMP)  ## compile the lexicon again (detect_icd/data/lexicon.bundle)
	$(BIN)/python hatch_build.py lexicon

eval: $(STAMP)  ## accuracy on the tuning sets
	$(BIN)/python benchmarks/evaluate.py

bench: $(RELEASE)/.installed  ## speed, beside medspaCy and negspaCy, and of the server (some minutes, compiled; build/bench.json)
	$(RELEASE)/bin/python benchmarks/bench.py

mcd-export: $(STAMP)  ## lay the sample coverage articles out as an export (OUT=file.zip; needs ../shared)
	@$(BIN)/python tests/tools/mcd_export.py $(OUT)

soak: $(RELEASE)/.installed  ## 200,000 documents through a server: does its memory grow (a quarter of an hour)
	$(RELEASE)/bin/python benchmarks/soak.py

fuzz: $(RELEASE)/.installed  ## 100,000 random and mutated requests (five minutes)
	$(RELEASE)/bin/python benchmarks/fuzz.py

clean:  ## remove everything generated
	rm -rf $(VENV) build dist detect_icd/v1 detect_icd/data .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
