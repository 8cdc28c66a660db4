.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

help:          ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Make .venv and install everything into it.

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

conformance: $(STAMP)  ## Send the documented request as JSON and XML to the sandbox, and judge the sandbox.
	$(BIN)/infobip-sms demo

test: $(STAMP)  ## Run the tests; at most 5 minutes on two idle cores.
	$(BIN)/python -m pytest -n auto --ignore=tests/conformance/mutation

mutants: $(STAMP)  ## Test the suite with a sample of broken servers: one for each requirement, and some of every kind.
	$(BIN)/python -m pytest -n auto tests/conformance/mutation

selftest: $(STAMP)  ## Judge every good and broken server and client, to test the judge; a quarter of an hour.
	$(BIN)/python -m tests.conformance.mutation.run --clients
	$(BIN)/python -m tests.conformance.mutation.run

fuzz: $(STAMP)  ## Fuzz everything that reads foreign bytes for 30 minutes; FUZZ="--minutes 5" is shorter.
	$(BIN)/python -m tests.fuzz $(FUZZ)

volume: $(STAMP)  ## Send 200,000 messages, kill the server, kill the sender ten times, and account for all.
	$(BIN)/python -m tests.send_many.large_run all 200000

peers: $(STAMP)  ## Point clients that no one here wrote at a sandbox and at the judge, and print what works and what is found.
	$(BIN)/python -m tests.peers
	$(BIN)/python -m tests.peers.judged

load: $(STAMP)  ## Send 100,000 messages to a sandbox by 50 clients at once, beside Prism's mock.
	$(BIN)/python -m tests.bench.load

bench: $(STAMP)  ## Measure codecs and client beside their peers: ratios of one run.
	$(BIN)/python -m tests.bench $(BENCH)

sandbox: $(STAMP)  ## Start the sandbox on port 8080.
	$(BIN)/infobip-sms sandbox

generate: $(STAMP)  ## Write generated/ anew from schema/.
	$(BIN)/python schema/generate.py

lint: $(STAMP)  ## Check format, style, types, and that generated/ is in step with schema/.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python schema/generate.py --check

check: lint test mutants  ## Lint, tests and the sample of broken servers.

floors: $(STAMP)  ## Try the oldest versions of every dependency that pyproject.toml promises.
	$(BIN)/python -m tests.floors

dist: $(STAMP)  ## Build the wheel and test it installed, without the source tree.
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(BIN)/python tests/dist_smoke.py dist/*.whl

clean:         ## Remove what the other targets made.
	rm -rf .venv .peers .floors dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help setup conformance test mutants selftest lint floors fuzz volume peers load bench sandbox generate check dist clean
