# Tapedeck. `make run` records two calls on this machine; `make test` is the gate.
# Everything is installed under this folder: .venv, .venv-ministack, node_modules, .build, .run.

PYTHON ?= python3
VENV := .venv
MINISTACK := .venv-ministack
PY := $(VENV)/bin/python
CDK := node_modules/.bin/cdk
export PYTHONPATH := $(CURDIR)
export CDK_DISABLE_CLI_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup run test check format bench key bootstrap deploy package synth clean

help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

# --- setup: each environment again only when its requirements changed -------------------------

setup: python-found node-found ## install everything, under this folder
	@$(MAKE) --silent --no-print-directory -j3 $(VENV)/.stamp $(MINISTACK)/.stamp node_modules/.stamp

.PHONY: python-found node-found
python-found:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "Python 3.11 or newer is needed: $(PYTHON) was not found." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed: $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; exit 1; }

node-found:
	@command -v npm >/dev/null 2>&1 || { \
	  echo "Node.js 20 or newer with npm is needed for the CDK: it was not found." >&2; exit 1; }

$(VENV)/.stamp: requirements.txt requirements-dev.txt infra/sink/requirements.txt | python-found
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install -qq -r requirements-dev.txt
	@touch $@

$(MINISTACK)/.stamp: infra/local/requirements.txt | python-found
	@echo "Setting up $(MINISTACK) ..."
	@$(PYTHON) -m venv $(MINISTACK)
	@$(MINISTACK)/bin/python -m pip install -qq -r infra/local/requirements.txt
	@touch $@

node_modules/.stamp: package.json package-lock.json | node-found
	@echo "Setting up node_modules ..."
	@npm ci --silent --no-audit --no-fund
	@touch $@

# --- everyday -----------------------------------------------------------------------------------

run: setup ## record two simulated calls on this machine; ONCE=1 ends after the table
	@$(PY) -m infra.local

test: check ## everything: what check does, then the end-to-end tests in a local AWS
	@$(PY) -m pytest --quiet -m e2e

# What thinks is covered whole; what talks to the world is covered by contract and end to end.
PURE := chalicelib/media/*,chalicelib/capture/*,chalicelib/recording/*,chalicelib/tapping/*,chalicelib/dialects/*

check: setup ## lint, types, import rule, tests with branch coverage
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(PY) -m pytest --quiet -m "not e2e" --cov --cov-report=
	@$(PY) -m coverage report --include="$(PURE)" --fail-under=100
	@$(PY) -m coverage report --fail-under=90

format: $(VENV)/.stamp ## format and sort what can be
	@$(PY) -m ruff check --quiet --fix --exit-zero .
	@$(PY) -m ruff format .

bench: setup ## ingest, finalization, hook: the figures, with the machine they were measured on
	@$(PY) -m bench

# --- a real account -----------------------------------------------------------------------------

STACK ?= RecorderStack
ARGS ?= list

key: $(VENV)/.stamp ## API keys of a deployment: make key ARGS="create --account main"
	@$(PY) -m infra.deployment $(STACK) -- -m chalicelib.api.keys $(ARGS)

# Context values: make deploy OPTIONS="-c alarm_email=ops@example.com -c sink_domain=…"
OPTIONS ?=

synth: setup
	@$(PY) -m infra.layer >/dev/null
	@$(CDK) synth --quiet $(OPTIONS)

bootstrap: setup .build ## once per account and region, before the first deploy
	@cd .build && ../$(CDK) bootstrap $(OPTIONS)

.build:
	@mkdir -p $@

deploy: setup ## deploy to the AWS account of your credentials, after `cdk bootstrap`
	@$(PY) -m infra.layer >/dev/null
	@$(CDK) deploy --all $(OPTIONS)

package: $(VENV)/.stamp ## the Lambda zip and its SAM template in .build/package, without CDK
	@AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} $(VENV)/bin/chalice package --stage dev .build/package

clean: ## remove everything that was installed or built
	@rm -rf $(VENV) $(MINISTACK) node_modules .build .run .chalice/deployments .coverage* .hypothesis
