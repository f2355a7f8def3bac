# Everything runs in .venv, which the first target that needs it creates; nothing else is touched.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
PROJECTS := $(PLUGINS) tests/foreign_plugin
PACKAGES := $(sort treewright treewright_registry treewright_knowledge $(notdir $(wildcard plugins/*/treewright_*)) treewright_puzzle)
SOURCES := core registry knowledge_bases plugins tests benchmarks docs

.PHONY: help setup demo test lint bench replicate soak laws reference clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

setup: .venv/ok ## create .venv and install the engine, the domains and the tools

.venv/ok: constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml tests/*/pyproject.toml)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[knowledge,language,test,lint]' $(addprefix -e ./,$(PROJECTS))
	touch $@

demo: .venv/ok ## elucidate well-known compounds from measured spectra, offline once installed
	$(BIN)/treewright run chemistry/demo --workers 2 --out runs/demo-$$(date +%Y%m%d-%H%M%S)

test: .venv/ok ## all tests, engine and plugins, except the slow ones
	$(BIN)/python -m pytest -m 'not slow'

lint: .venv/ok ## style, types and imports
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy $(addprefix -p ,$(PACKAGES))
	TREEWRIGHT_STRICT=1 $(BIN)/treewright plugins list > /dev/null

bench: .venv/ok .benchmarks-venv/ok ## compare with other systems and with physical limits
	$(BIN)/python benchmarks/engine_overhead.py --peers .benchmarks-venv/bin/python --json runs/engine_overhead.json
	$(BIN)/python benchmarks/scheduler_busy.py --json runs/scheduler_busy.json
	$(BIN)/python benchmarks/failing_request.py --peers .benchmarks-venv/bin/python --json runs/failing_request.json
	$(BIN)/python benchmarks/journal_cost.py --json runs/journal_cost.json
	$(BIN)/python benchmarks/endpoint_faults.py --json runs/endpoint_faults.json
	$(BIN)/python benchmarks/language_speed.py --clock cpu --threads 1 --repeats 1 --problems 16 --json runs/language_speed.json
	$(BIN)/python benchmarks/language_invariance.py --threads 1 --questions 64 --law-questions 32 --strict-questions 16 --json runs/language_invariance.json

.benchmarks-venv/ok: benchmarks/requirements.txt
	test -x .benchmarks-venv/bin/python || $(PYTHON) -m venv .benchmarks-venv
	.benchmarks-venv/bin/python -m pip install -q --disable-pip-version-check -r benchmarks/requirements.txt
	@# what it requires is a CUDA stack that its algorithms do not use
	.benchmarks-venv/bin/python -m pip install -q --disable-pip-version-check --no-deps llm-reasoners==1.0.2
	touch $@

replicate: .venv/ok ## the papers' claims in miniature; ONLY=gsi for one system
	$(BIN)/python benchmarks/replicate.py $(if $(ONLY),--only $(ONLY))

soak: .venv/ok ## the long reliability tests
	$(BIN)/python -m pytest -m slow

laws: .venv/ok .benchmarks-venv/ok ## the searches against their exact laws with many draws, into docs/laws.md
	$(BIN)/python docs/make_laws.py --peers .benchmarks-venv/bin/python

reference: .venv/ok ## write the generated parts of the documentation again
	$(BIN)/python docs/make_reference.py

clean: ## remove the environments and all caches
	rm -rf .venv .benchmarks-venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
