# Gongxiang 贡享. Only Python 3.11–3.13, make and the package registries are needed; `make help` lists all.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# The first Python that serves; `make PYTHON=…` takes another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p deploy/embedded/check_machine.py >/dev/null 2>&1 && { echo $$p; exit; }; done; echo python3)
VOLUNTEERS ?=
ACTIVITIES ?=
export PYTHONUNBUFFERED := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-11s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.embedded ## keep the whole system up for people, data in .data/run; Ctrl-C stops it
	@exec $(BIN)/python -m deploy.embedded run

.PHONY: stop
stop: $(VENV)/.embedded ## stop what make run left running, e.g. in a terminal that is gone
	@$(BIN)/python -m deploy.embedded stop

ROLE ?= volunteer
.PHONY: token
token: $(VENV)/.embedded ## print an access token of make run's sample person [ROLE=volunteer]
	@$(BIN)/python -m deploy.embedded token --role $(ROLE)

.PHONY: demo
demo: $(VENV)/.embedded ## play a district's day and audit it [VOLUNTEERS=300] [ACTIVITIES=file.csv]
	@$(BIN)/python -m deploy.demo $(if $(VOLUNTEERS),--volunteers $(VOLUNTEERS)) \
		$(if $(ACTIVITIES),--activities "$(ACTIVITIES)")

.PHONY: audit
audit: $(VENV)/.embedded ## check the invariants of a system that runs, or of a stopped one
	@$(BIN)/python -m deploy.audit

DOCKER ?= docker
SERVICE ?=
.PHONY: docker-check
docker-check:
	@$(DOCKER) compose version >/dev/null 2>&1 || { \
		echo "gongxiang: 没有 Docker / '$(DOCKER) compose' does not answer:" \
			"make run is the system without Docker" >&2; exit 1; }

.PHONY: up
up: docker-check env-check ## build and start the whole system in Docker, secrets made at first (docs/compose.md)
	@$(PYTHON) -m deploy.compose
	@$(DOCKER) compose up --build --detach
	@$(DOCKER) compose ps

.PHONY: down
down: docker-check ## stop and remove the containers; data and secrets stay
	@$(DOCKER) compose down

.PHONY: logs
logs: docker-check ## follow what the containers write [SERVICE=store-worker]
	@$(DOCKER) compose logs --follow --tail 100 $(SERVICE)

KILLS ?= 100
SEED ?=
.PHONY: faults
faults: $(VENV)/.dev ## kill processes under load, audit in between [KILLS=100] [SEED=…]
	@$(BIN)/python -m tests.faults --kills $(KILLS) $(if $(SEED),--seed $(SEED))

.PHONY: check
check: $(VENV)/.dev ## lint, format, types, import rules, fast tests (< 90 s)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -m "not servers"

.PHONY: test
test: $(VENV)/.dev ## the whole suite, on the embedded servers, three files at once (15 min on 2 cores)
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: crashes
crashes: $(VENV)/.dev ## crash each part before and after every durable effect (< 60 min)
	@$(BIN)/python -m tests.faults.crash_points

ROWS ?=
.PHONY: bench
bench: $(VENV)/.dev ## measure the figures of docs/performance.md [ROWS=1,2] (all: half an hour)
	@$(BIN)/python -m tests.performance $(if $(ROWS),--rows $(ROWS))

ONLY ?=
.PHONY: mutants
mutants: $(VENV)/.dev ## seed bugs on copies and show which test catches each [ONLY=part of a name]
	@$(BIN)/python -m tests.mutants $(if $(ONLY),--only "$(ONLY)")

EXAMPLES ?= 25
MESSAGES ?= 10000
.PHONY: fuzz
fuzz: $(VENV)/.dev ## ask all that nobody should, at length [EXAMPLES=25] [MESSAGES=10000]
	GONGXIANG_FUZZ_EXAMPLES=$(EXAMPLES) GONGXIANG_MESSAGES=$(MESSAGES) GONGXIANG_VOUCHERS=500 \
		$(BIN)/pytest -s -o timeout=7200 tests/contracts tests/store/test_vouchers.py

.PHONY: setup
setup: $(VENV)/.dev ## make the virtual environment and fetch all that is needed

.PHONY: pin
pin: ## pin every dependency anew, with hashes and without addresses (needs uv)
	@for list in "base" "embedded --extra embedded" "dev --extra embedded --extra dev"; do \
		set -- $$list; name=$$1; shift; \
		uv pip compile -q --universal --python-version 3.11 --prerelease=allow --generate-hashes \
			--no-emit-index-url --no-header --no-annotate "$$@" pyproject.toml \
			-o requirements/$$name.txt >/dev/null; \
	done

.PHONY: env-check
env-check: ## say in one line what this machine lacks
	@command -v $(PYTHON) >/dev/null || { \
		echo "gongxiang: 找不到 $(PYTHON)，需要 Python 3.11–3.13 / there is no $(PYTHON):" \
			"install Python 3.11–3.13 and run make PYTHON=python3.13 …" >&2; exit 1; }
	@$(PYTHON) deploy/embedded/check_machine.py

.PHONY: clean
clean: ## forget the virtual environment and the tools' caches; data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A stamp per list of packages: done once, and again when the list changes.
$(VENV)/.embedded: requirements/embedded.txt $(wildcard deploy/embedded/*.lock.toml) | $(VENV)/.made
	@$(BIN)/python deploy/embedded/check_machine.py registry
	@echo "installing the system's packages …"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/embedded.txt
	@$(BIN)/python -m deploy.embedded.jars
	@$(BIN)/python -m deploy.embedded.quick_start
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.embedded
	@echo "installing the tools …"
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.made: | env-check
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
