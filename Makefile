# Each target installs what it needs, and only once.

PYTHON ?= python3
UV_VERSION := 0.13.9

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
unexport VIRTUAL_ENV
# An image that forbids byte code would make each of the thousand processes of the tests compile all its imports.
unexport PYTHONDONTWRITEBYTECODE

# The embedded AWS runs the Lambda with its own interpreter: Python 3.13 as on Lambda, if this machine has it.
LAMBDA_PYTHON = $(shell for each in python3.13 "$$(pyenv prefix 3.13 2>/dev/null)/bin/python3.13"; do \
	"$$each" -c '' 2>/dev/null && { echo "$$each"; exit; }; done; echo .venv/bin/python)

CODE := app.py release_log uploader cleaner_lambda asset_cleaner_cdk infra examples bench standalone tests docs/tables docs/site
STAMPS := .setup
# More workers than the cores of a small machine: tests wait for servers, schedules and networks that hang.
WORKERS := -n 5 --dist loadfile --no-loadscope-reorder
NOT_THESE := $(foreach each,acceptance bench package standalone installed,--ignore tests/$(each))

# Set-up trusts the system's certificate store, which holds the certificate of a company's proxy. uv reads it by
# `system-certs` in pyproject.toml, Node.js 24.6 or newer (as in .venv) by NODE_USE_SYSTEM_CA, and pip from 24.2 on by
# itself. An older pip needs the path of the store. The user's own configuration of pip takes precedence.
NPM := NODE_USE_SYSTEM_CA=1 npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
PIP := .venv/bin/python -m pip
SYSTEM_CERTS := $(PYTHON) -c 'import ssl; paths = ssl.get_default_verify_paths(); print(paths.cafile or paths.capath or "")'

.DEFAULT_GOAL := help
.PHONY: help setup uploader demo test template package bundle release acceptance torture bench bench-cleaner bench-test cold-start lint docs docs-site format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/python $(STAMPS)/emulator $(STAMPS)/cdk $(STAMPS)/site ## install everything the project needs, into this folder

uploader: $(STAMPS)/uploader ## install only what `.venv/bin/python -P -m uploader` needs, for a build job

demo: setup ## show the product on an embedded AWS: three releases, and what the cleaner deletes
	@python -m examples.demo

test: setup $(STAMPS)/browser $(STAMPS)/tests ## run all tests except those of the benchmark, of the packages, of the archives, of whole installations and of the acceptance
	@python -m pytest $(WORKERS) $(NOT_THESE)

template: $(STAMPS)/python ## write the template for who has no CDK, and the zip that it names, into dist/
	@CDK_VALIDATION=false python -m infra.template dist

package: setup ## build the packages and the template into dist/, try them and the set-up in empty environments, and whole installations and the acceptance at an embedded AWS
	@rm -rf dist/asset[_-]cleaner*
	@uv build --quiet --no-build-isolation --python .venv/bin/python
	@python -m infra.distribution dist
	@$(MAKE) --no-print-directory template
	@python -m pytest tests/package tests/acceptance
	@python -m pytest -n 2 --dist loadfile tests/installed

bundle: $(STAMPS)/emulator ## build archives of the uploader with a Python of its own into dist/, and try them
	@python -m standalone
	@# What they unpack is half a gigabyte, and what they load may take its time.
	@python -m pytest -o tmp_path_retention_policy=none -o timeout=900 tests/standalone

release: ## check, build and tag the version in uploader/about.py; a pushed tag is published by GitHub Actions
	@.ci/release check
	@$(MAKE) lint test package bundle
	@.ci/release tag

acceptance: setup ## try the product at a real AWS; options go into ACCEPTANCE="--region A --region B --yes"
	@python -m tests.acceptance $(ACCEPTANCE)

torture: setup ## run the tests that take an hour: a million schedules, ten rounds of chaos, every fault at every request, a hundred thousand histories
	@python -m tests.interleaving --schedules 1000000
	@python -m tests.chaos --rounds 10
	@python -m pytest $(WORKERS) tests/bench
	@TORTURE=1 MODEL_HISTORIES=100000 python -m pytest $(WORKERS) tests/interleaving/test_small_cases.py tests/acceptance tests/installed/test_many_sites.py tests/installed/test_upgrade.py tests/http tests/unit

bench: $(STAMPS)/python $(STAMPS)/bench ## measure the uploader and other tools; options go into BENCH="--jobs new"
	@python -m bench $(BENCH)

bench-cleaner: $(STAMPS)/python ## measure runs of the cleaner on large sites; options go into BENCH="--retired 4000000"
	@python -m bench.cleaner $(BENCH)

bench-test: setup $(STAMPS)/bench ## run the tests of the benchmark, with a small round of it
	@python -m pytest $(WORKERS) tests/bench

cold-start: $(STAMPS)/emulator $(STAMPS)/runtime ## measure how long the Lambda takes to start; options go into COLD_START="--rounds 20"
	@python -m bench.cold_start $(COLD_START)

lint: $(STAMPS)/python ## check style, types and the documents' tables
	ruff check $(CODE)
	ruff format --check $(CODE)
	mypy $(CODE)
	@lint-imports --no-cache --no-logo >.setup/imports 2>&1 || { cat .setup/imports; exit 1; }
	@python -m docs.tables --check
	@hadolint Dockerfile
	@zizmor --offline --quiet --no-progress action.yml .github

docs: $(STAMPS)/python ## generate the tables of the documents
	@python -m docs.tables

docs-site: $(STAMPS)/python ## build the documents as a site, into site/
	@python -m docs.site site

format: $(STAMPS)/python docs ## format the code, apply automatic fixes, generate the documents' tables
	ruff check --fix-only --quiet $(CODE)
	ruff format $(CODE)

clean: ## remove everything that setup installed
	rm -rf .venv $(STAMPS) node_modules examples/emulator/.venv examples/site/node_modules tests/browser/node_modules bench/.venv bench/runtime/.venv cdk.out dist site demo.html

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "setup: Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name one with make PYTHON=...")'
	@$(PYTHON) -m venv .venv
	@PIP_CERT="$${PIP_CERT:-$$($(PIP) config get global.cert 2>/dev/null || $(SYSTEM_CERTS))}" \
		$(PIP) install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(STAMPS)/uploader: uv.lock pyproject.toml | .venv/bin/uv
	@echo "setup: the uploader's packages (.venv)"
	@uv sync --quiet --locked --no-default-groups --inexact
	@# So that it runs in any folder; a PYTHONPATH would also be that of the roll-out's programs.
	@.venv/bin/python -c 'import pathlib, sysconfig; \
		pathlib.Path(sysconfig.get_path("purelib"), "asset-cleaner.pth").write_text("$(CURDIR)\n")'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/python: uv.lock pyproject.toml | .venv/bin/uv
	@echo "setup: Python packages (.venv)"
	@uv sync --quiet --locked --compile-bytecode
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/emulator: examples/emulator/uv.lock examples/emulator/pyproject.toml $(STAMPS)/python
	@echo "setup: embedded AWS (examples/emulator/.venv)"
	@uv sync --quiet --locked --project examples/emulator --python "$(LAMBDA_PYTHON)"
	@touch $@

$(STAMPS)/cdk: package-lock.json $(STAMPS)/python
	@echo "setup: CDK command line (node_modules)"
	@$(NPM)
	@ln -sf ../../node_modules/.bin/cdk .venv/bin/cdk
	@touch $@

$(STAMPS)/site: examples/site/package-lock.json $(STAMPS)/python
	@echo "setup: the example site's bundler (examples/site/node_modules)"
	@$(NPM) --prefix examples/site
	@touch $@

# A Chromium inside an npm package: it needs no rights on the machine. Only the tests of the page of `report` do.
$(STAMPS)/browser: tests/browser/package-lock.json tests/browser/unpack.py $(STAMPS)/python
	@echo "setup: a browser for the tests (tests/browser/node_modules)"
	@$(NPM) --prefix tests/browser
	@python -m tests.browser.unpack
	@touch $@

# The workers begin at one time, and in a new clone each of them would compile all modules of the tests.
$(STAMPS)/tests: $(STAMPS)/python
	@echo "setup: the tests' byte code"
	@python -m pytest --collect-only -qq $(NOT_THESE) > $@ || { cat $@; rm $@; exit 1; }

$(STAMPS)/bench: bench/uv.lock bench/pyproject.toml $(STAMPS)/python
	@echo "setup: the benchmark's server and peers (bench/.venv)"
	@uv sync --quiet --locked --project bench --python .venv/bin/python
	@touch $@

# With byte code for the client and boto3, as in Lambda's runtime. The bundle gets none, as on Lambda.
$(STAMPS)/runtime: bench/runtime/uv.lock bench/runtime/pyproject.toml $(STAMPS)/python
	@echo "setup: Lambda's runtime interface client (bench/runtime/.venv)"
	@uv sync --quiet --locked --compile-bytecode --project bench/runtime --python "$(LAMBDA_PYTHON)"
	@touch $@
