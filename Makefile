.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
ROWS ?= 200000
# Tests start many programs; each would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

help:          ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Create .venv and install everything into it.

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

conformance: $(STAMP)  ## Start a sandbox, send the documented request to it as JSON and XML, and check the sandbox.
	$(BIN)/infobip-sms demo

test: $(STAMP)  ## Run the tests; at most 5 minutes on two idle cores.
	$(BIN)/python -m pytest -n 4 --dist worksteal --ignore=tests/conformance/mutation

mutants: $(STAMP)  ## Test the suite with a sample of broken servers, one for each requirement.
	$(BIN)/python -m pytest -n 2 tests/conformance/mutation

selftest: $(STAMP)  ## Test the suite with correct and broken servers and clients; about 20 minutes.
	$(BIN)/python -m tests.conformance.mutation.run --clients
	$(BIN)/python -m tests.conformance.mutation.run

fuzz: $(STAMP)  ## Fuzz everything that reads untrusted bytes for 30 minutes; FUZZ="--minutes 5" is shorter.
	$(BIN)/python -m tests.fuzz $(FUZZ)

chaos: $(STAMP)  ## Fork, kill, fill disks, use up descriptors and set clocks, and print a table of what came out.
	$(BIN)/python -m tests.chaos

volume: $(STAMP)  ## Send 200,000 messages and a dirty spreadsheet, kill all parts, and account for every row; ROWS=20000 is shorter.
	$(BIN)/python -m tests.send_many.large_run all $(ROWS)
	$(BIN)/python -m tests.send_many.campaign $(ROWS)

peers: $(STAMP)  ## Run third-party clients, and clients and tools made for the schemas, against sandbox and suite.
	$(BIN)/python -m tests.peers
	$(BIN)/python -m tests.peers.schema_tools
	$(BIN)/python -m tests.peers.suite_findings

load: $(STAMP)  ## Send 100,000 messages to the sandbox from 50 clients at once, next to Prism's mock.
	$(BIN)/python -m tests.bench.load

bench: $(STAMP)  ## Measure codecs, client, sandbox and suite next to comparable libraries.
	$(BIN)/python -m tests.bench $(BENCH)

bench-compare: $(STAMP)  ## Show what changed in the bench; OTHER=old.json is an earlier run's build/bench.json.
	$(BIN)/python -m tests.bench.compare $(OTHER)

sandbox: $(STAMP)  ## Start the sandbox on port 8080.
	$(BIN)/infobip-sms sandbox

generate: $(STAMP)  ## Regenerate generated/ from schema/.
	$(BIN)/python schema/generate.py

lint: $(STAMP)  ## Check formatting, style, types (of the README code too), and that generated/ is up to date.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python -m tests.docs.readme_blocks build/readme
	$(BIN)/mypy --allow-untyped-defs --allow-untyped-calls build/readme
	$(BIN)/python schema/generate.py --check

check: lint test mutants  ## Run lint, test and mutants.

docs: $(STAMP)  ## Build the API reference and the page of requirements in build/docs.
	$(BIN)/python schema/reference.py build/docs

floors: $(STAMP)  ## Test with the oldest dependency versions that pyproject.toml allows.
	$(BIN)/python -m tests.floors

dist: $(STAMP)  ## Build the wheel and test it installed, without the source tree; also by the steps of the Dockerfile.
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(BIN)/python tests/dist_smoke.py dist/*.whl
	$(BIN)/python -m tests.container_steps

clean:         ## Remove everything that the other targets created.
	rm -rf .venv .peers .floors dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help setup conformance test mutants selftest lint docs floors fuzz chaos volume peers load bench bench-compare sandbox generate check dist clean
