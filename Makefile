# Tapedeck. `make run` records three calls on this machine; `make test` is the gate.
# Everything is installed under this folder: .venv, .venv-*, node_modules, .build, .run.

PYTHON ?= python3
VENV := .venv
MINISTACK := .venv-ministack
AUTOBAHN := .venv-autobahn
CHECKOV := .venv-checkov
PY := $(VENV)/bin/python
CDK := node_modules/.bin/cdk
export PYTHONPATH := $(CURDIR)
export CDK_DISABLE_CLI_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The CDK reads AWS_REGION first, boto3 only AWS_DEFAULT_REGION: with both set, all mean the same one.
ifneq ($(AWS_REGION),)
export AWS_DEFAULT_REGION := $(AWS_REGION)
endif

# Measurements and trials that have a target of their own name.
OWN_NAMES := hook costs callbacks finalization leaks pause autobahn attack forge chaos takeover stop \
  retap webhooks crash outage fuzz api-fuzz

.DEFAULT_GOAL := help
.PHONY: help setup run test gstreamer check static infrastructure format openapi infra-check audit clean bench trial \
  verify key workers secrets retire synth bootstrap deploy package $(OWN_NAMES)

##@ Use it

help: ## list the targets
	@awk '/^##@ / && $$0 != group { group = $$0; print "\n" substr(group, 5) } \
	  /^[a-z-]+:.*## / { name = $$0; sub(/:.*/, "", name); sub(/.*## /, ""); \
	    printf "  make %-13s %s\n", name, $$0 }' Makefile

# --- setup: each environment again only when its requirements changed -------------------------

setup: python-found node-found ## install everything that is needed, under this folder
	@$(MAKE) --silent --no-print-directory -j4 $(VENV)/.stamp $(MINISTACK)/.stamp $(CHECKOV)/.stamp \
	  node_modules/.stamp

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

# Compiled are the few of its modules that are used, when they are.
$(CHECKOV)/.stamp: tests/infra/checks/requirements.txt | python-found
	@echo "Setting up $(CHECKOV) ..."
	@$(PYTHON) -m venv $(CHECKOV)
	@$(CHECKOV)/bin/python -m pip install -qq --no-compile -r tests/infra/checks/requirements.txt
	@touch $@

node_modules/.stamp: package.json package-lock.json | node-found
	@echo "Setting up node_modules ..."
	@npm ci --silent --no-audit --no-fund
	@touch $@

##@ Use it

run: setup ## record three simulated calls on this machine; ONCE=1 ends after the table
	@$(PY) -m infra.local

# --- proof --------------------------------------------------------------------------------------

PROOF ?= proof.json
AUDIO ?=
PUBLIC_KEY ?=
FINGERPRINT ?=
MEDIA ?=

verify: $(VENV)/.stamp ## compare a download with its proof: make verify PROOF=… AUDIO=… PUBLIC_KEY=…
	@$(PY) -m infra.verify "$(PROOF)" $(if $(AUDIO),"$(AUDIO)") $(if $(PUBLIC_KEY),--key "$(PUBLIC_KEY)") \
	  $(if $(FINGERPRINT),--fingerprint "$(FINGERPRINT)") $(if $(MEDIA),--media "$(MEDIA)")

# --- a real account -----------------------------------------------------------------------------

STACK ?= RecorderStack

key: ARGS ?= list
key: $(VENV)/.stamp ## list, create or revoke API keys: make key ARGS="create --account main"
	@$(PY) -m infra.deployment $(STACK) -- -m chalicelib.api.keys $(ARGS)

# Context values: make deploy OPTIONS="-c alarm_email=ops@example.com -c sink_generation=1 -c sink_domain=…"
OPTIONS ?=

workers: $(VENV)/.stamp ## list the workers of a deployment by generation, with their calls
	@$(PY) -m infra.deployment $(STACK) -- -m chalicelib.api.workers list

secrets: $(VENV)/.stamp ## list profiles that name a secret of another account, with what to do
	@$(PY) -m infra.deployment $(STACK) -- -m chalicelib.api.foreign_secrets

GENERATION ?=

retire: $(VENV)/.stamp ## remove a generation of workers that has no calls: make retire GENERATION=1
	@[ -n "$(GENERATION)" ] || { \
	  echo "Say which generation, as make workers shows it: make retire GENERATION=1" >&2; exit 1; }
	@$(PY) -m infra.deployment $(STACK) -- -m chalicelib.api.workers idle "$(GENERATION)"
	@$(PY) -m infra.retire "$(GENERATION)"

synth: setup ## write what deploy would deploy to .build/cdk.out; takes the same OPTIONS
	@$(PY) -m infra.layer >/dev/null
	@$(CDK) synth --quiet $(OPTIONS)

# Without the app, which isn't needed: the CDK would run it, and that packages all functions.
bootstrap: setup ## prepare an AWS account and region, once, before the first deploy
	@environment=$$($(PY) -m infra.environment $(OPTIONS)) \
	  && $(CDK) bootstrap --app "" $$environment $(OPTIONS)

deploy: setup ## deploy to the AWS account of your credentials, after make bootstrap
	@$(PY) -m infra.layer >/dev/null
	@$(CDK) deploy --all $(OPTIONS)

package: $(VENV)/.stamp ## write the Lambda zip and its SAM template to .build/package, without the CDK
	@AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} $(PY) -m infra.lock \
	  $(VENV)/bin/chalice package --stage dev .build/package

##@ Change it

# What keeps to the clock fails where the machine stands still for a while: such tests alone are tried
# again, and the summary names each that was.
AGAIN := --reruns 2 -rR

# A local AWS for each of three at a time: these tests mostly wait. A file's tests stay together,
# since they share calls.
TOGETHER := -n 3 --dist loadfile --no-loadscope-reorder

test: gstreamer check ## run the whole gate: what check runs, then the end-to-end tests in a local AWS
	@$(PY) -m pytest --quiet -m e2e $(TOGETHER) $(AGAIN)

# A sender of RTP that the tests try beside ffmpeg; without it they replay what it once sent.
GSTREAMER := gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good

gstreamer: ## install GStreamer from Debian, if possible: tests send RTP with it
	@command -v gst-launch-1.0 >/dev/null 2>&1 \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 \
	    && echo "Installing GStreamer ..." && apt-get update -qq >/dev/null 2>&1 \
	    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
	      $(GSTREAMER) >/dev/null 2>&1; } \
	  || echo "GStreamer isn't there: tests replay what it once sent (as root: make gstreamer)."

# What thinks is covered whole; what talks to the world is covered by contract and end to end.
PURE := chalicelib/errors.py,chalicelib/security/*,chalicelib/media/*,chalicelib/capture/*,chalicelib/recording/*,chalicelib/tapping/*,chalicelib/carriers/*,chalicelib/swml/*

check: setup ## run linter, types, import rules, and all tests but the end-to-end ones
	@$(MAKE) --silent --no-print-directory -j2 --output-sync=target static infrastructure
	@$(PY) -m pytest --quiet -m "not e2e and not paced" --ignore tests/infra -n 4 --cov --cov-append --cov-report=
	@$(PY) -m pytest --quiet -m paced $(AGAIN) --cov --cov-append --cov-report=
	@$(PY) -m coverage report --include="$(PURE)" --fail-under=100
	@$(PY) -m coverage report --fail-under=90

# One process each, so both at once.
static:
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-logo

infrastructure:
	@$(PY) -m pytest --quiet -m "not e2e and not paced" tests/infra --cov --cov-report=

format: $(VENV)/.stamp ## sort imports and format the code
	@$(PY) -m ruff check --quiet --fix --exit-zero .
	@$(PY) -m ruff format .

openapi: $(VENV)/.stamp ## write the API's OpenAPI document from its schemas and paths in infra/openapi
	@$(PY) -m infra.openapi.document

infra-check: setup ## check the expanded templates with cfn-lint, checkov and cdk-nag
	@$(PY) -m tests.infra.checks

.venv-audit/.stamp: | python-found
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip install -qq pip-audit==2.10.1
	@touch $@

# Strict: where no advisory source is reached, it fails instead of saying that all is well.
audit: .venv-audit/.stamp ## look for known vulnerabilities in what is deployed; needs pypi.org itself
	@.venv-audit/bin/pip-audit --strict --progress-spinner off -r requirements.txt -r infra/sink/requirements.txt

clean: ## remove everything that was installed or built
	@rm -rf $(VENV) .venv-* node_modules .build .run .chalice/deployments .coverage* .hypothesis

##@ Try its promises, and measure

bench: setup ## measure ingest, finalization and the webhook
	@$(PY) -m bench

NAME ?=
TRIAL = $(subst -,_,$(NAME))
# What a trial needs beside what `setup` installs.
NEEDED_BY_autobahn := $(AUTOBAHN)/.stamp
NEEDED_BY_fuzz := .venv-fuzz/.stamp
NEEDED_BY_api_fuzz := .venv-api-fuzz/.stamp

trial: setup $(NEEDED_BY_$(TRIAL)) ## run a trial, or list them all: make trial NAME=stop ARGS="--calls 50"
	@$(PY) -m trials $(TRIAL)
	@$(PY) -m trials.$(TRIAL) $(ARGS)

# Measurements and trials have targets of their own names, too: `make chaos` is
# `make trial NAME=chaos`. `make help` and the documents leave them out.

hook: setup
	@$(PY) -m bench.hook --deployed

costs: $(VENV)/.stamp
	@$(PY) -m bench.costs

leaks: setup
	@$(PY) -m trials.leaks

pause: setup
	@$(PY) -m trials.pause

# --- under attack -------------------------------------------------------------------------------

# Autobahn|Testsuite runs under Python 2.7 only: on the path, or one of pyenv's.
PYTHON2 ?= $(shell for python in python2.7 "$$(pyenv root 2>/dev/null)"/versions/2.7*/bin/python2.7; \
  do "$$python" -c 'print("")' >/dev/null 2>&1 && command -v "$$python" && break; done)

$(AUTOBAHN)/.stamp: trials/autobahn/requirements.txt | $(VENV)/.stamp
	@"$(PYTHON2)" -c 'print("")' >/dev/null 2>&1 || { echo "Python 2.7 is needed for Autobahn|Testsuite" \
	  "and was not found: pyenv install 2.7," \
	  "or make trial NAME=autobahn PYTHON2=/path/to/python2.7" >&2; exit 1; }
	@echo "Setting up $(AUTOBAHN) ..."
	@$(PY) -m pip install -qq --target .build/virtualenv virtualenv==20.15.1  # the last that knows 2.7
	@PYTHONPATH=.build/virtualenv $(PY) -m virtualenv -q -p "$(PYTHON2)" $(AUTOBAHN)
	@$(AUTOBAHN)/bin/pip install -qq --no-python-version-warning -r trials/autobahn/requirements.txt
	@touch $@

autobahn: $(VENV)/.stamp $(AUTOBAHN)/.stamp
	@$(PY) -m trials.autobahn

attack: $(VENV)/.stamp
	@$(PY) -m trials.attack

FORGE ?=

forge: $(VENV)/.stamp
	@$(PY) -m trials.forge $(FORGE)

CHAOS ?=

chaos: setup
	@$(PY) -m trials.chaos $(CHAOS)

takeover: setup
	@$(PY) -m trials.takeover

STOP ?=

stop: setup
	@$(PY) -m trials.stop $(STOP)

RETAP ?=

retap: setup
	@$(PY) -m trials.retap $(RETAP)

WEBHOOKS ?=

webhooks: $(VENV)/.stamp
	@$(PY) -m trials.webhooks $(WEBHOOKS)

callbacks: setup
	@$(PY) -m bench.callbacks

finalization: $(VENV)/.stamp
	@$(PY) -m bench.finalization --promise

crash: $(VENV)/.stamp
	@$(PY) -m trials.crash

outage: setup
	@$(PY) -m trials.outage

FUZZ_SECONDS ?= 60
FUZZ ?=

.venv-fuzz/.stamp: trials/fuzz/requirements.txt | $(VENV)/.stamp
	@$(PY) -m pip install -qq --upgrade --target .venv-fuzz -r trials/fuzz/requirements.txt
	@touch $@

fuzz: $(VENV)/.stamp .venv-fuzz/.stamp
	@$(PY) -m trials.fuzz --seconds $(FUZZ_SECONDS) $(FUZZ)

.venv-api-fuzz/.stamp: trials/api_fuzz/requirements.txt | python-found
	@$(PYTHON) -m venv .venv-api-fuzz
	@.venv-api-fuzz/bin/python -m pip install -qq -r trials/api_fuzz/requirements.txt
	@touch $@

api-fuzz: $(VENV)/.stamp .venv-api-fuzz/.stamp
	@$(PY) -m trials.api_fuzz
