# Every chore of this repository. Needs Python 3.11 or newer, make and git; the rest is set up in .venv, from
# requirements.lock, which pins each package by its hash.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check

# The one tool that comes from npm. Its version is pinned here and nowhere else.
REDOCLY := @redocly/cli@2.77.0
UV := uv==0.13.9

# The first of these that is Python 3.11 or newer; `make PYTHON=/path/to/python demo` overrules the choice.
CANDIDATES := python3 python3.11 python3.12 python3.13 python3.14
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for python in $(CANDIDATES); do \
	"$$python" -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && { echo "$$python"; break; }; done)
endif

say = @printf '%-10s %s\n'

.PHONY: help
help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV)/project  ## Check all contracts against the embedded sandbox, then probe it; needs no account
	@$(BIN)/specwatch check
	@$(BIN)/specwatch watch --for 8s --interval 2s --listen 127.0.0.1:0
	@printf '%s\n' '' 'Alerts and dashboards for all of this are in grafana/. To see them live, with whatever of Prometheus,' \
		'Alertmanager and Grafana is on this machine:  $(BIN)/specwatch up --interval 5s' \
		'  status page http://127.0.0.1:9464   alerts http://127.0.0.1:9090   dashboards http://127.0.0.1:3000' \
		'Without them: docs/images/ shows what they look like, `docker compose up` brings them.'

.PHONY: check
check: $(VENV)/project  ## Check the workspace's own files, then the contracts
	@$(BIN)/specwatch lint
	@$(BIN)/specwatch check

.PHONY: test
test: $(VENV)/project  ## Run the test suite; what a missing tool keeps from running is listed at the end
	@$(BIN)/pytest -n auto

.PHONY: lint
lint: $(VENV)/project  ## Check style, types, specs and the rules of the repository
	$(say) ruff 'style'
	@$(BIN)/ruff check --quiet .
	$(say) ruff 'format'
	@$(BIN)/ruff format --quiet --check .
	$(say) mypy 'types'
	@$(BIN)/mypy --no-error-summary
	$(say) hygiene 'layers, sizes, lock, tracked files'
	@$(BIN)/pytest -q --no-header -r fE tests/test_hygiene.py tests/test_layers.py
	$(say) openapi 'specs/ against OpenAPI 3.1'
	@$(BIN)/openapi-spec-validator specs/*.yaml
	@.ci/redocly $(REDOCLY)

.PHONY: lock
lock: $(VENV)/lock/bin/uv  ## Pin the newest allowed version of every dependency, by hash, in requirements.lock
	$(say) lock requirements.lock
	@$(VENV)/lock/bin/uv pip compile --quiet --upgrade --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --output-file requirements.lock pyproject.toml

.PHONY: clean
clean:  ## Remove everything that the other targets made
	$(say) clean 'environment, caches, builds'
	@rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made anew when the lock changes, the project's own installation when its metadata does.
$(VENV)/packages: requirements.lock
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer among: $(CANDIDATES)." \
		"Install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' || { echo "$(PYTHON) is not Python 3.11 or newer" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make virtual environments:" \
		"on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }
	$(say) python "$$($(PYTHON) --version), $(PYTHON), in $(VENV)"
	@"$(PYTHON)" -m venv --clear $(VENV)
	$(say) packages "$$(grep -c == requirements.lock) from requirements.lock, each checked against its hash"
	@$(PIP) install --require-hashes --only-binary :all: --requirement requirements.lock
	@touch $@

$(VENV)/project: $(VENV)/packages pyproject.toml
	$(say) specwatch 'installed, editable'
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/lock/bin/uv: $(VENV)/packages
	$(say) uv '$(UV), in an environment of its own'
	@$(BIN)/python -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip -qq --disable-pip-version-check install '$(UV)'
	@touch $@
