# What can be done here. `make` lists it, the recipes say how. Settings of pip (index, mirror, proxy) hold.
PYTHON ?= python3
PIP_VERSION := 26.3
VENV := .venv
BIN := $(VENV)/bin
# for apt, which brings the browser of the tests: root, or sudo without a password
SUDO := $(if $(filter 0,$(shell id -u)),,sudo -n)

.PHONY: help run test check fmt screenshot lock clean browser
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## set up if needed, bring models and case base, open the chat on http://127.0.0.1:7860
	$(BIN)/consilium fetch
	$(BIN)/consilium chat

test: $(VENV)/dev.stamp browser check ## set up if needed, then lint, types and every test, real browser included
	$(BIN)/consilium fetch
	$(BIN)/pytest

check: $(VENV)/dev.stamp ## the fast part of test: lint, format, types, direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(VENV)/dev.stamp ## format, and mend what the linter can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

screenshot: $(VENV)/dev.stamp browser ## take the README's picture anew, with the real models
	CONSILIUM_SCREENSHOT=docs/screenshot.png $(BIN)/pytest tests/acceptance/test_real_page.py

# torch brings another triton with CUDA than without, so neither it nor the CUDA libraries are pinned.
lock: ## write requirements.lock anew from a clean environment
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/python -m pip install --upgrade pip==$(PIP_VERSION)
	build/lock/bin/python -m pip install --editable '.[dev]'
	echo '# Constraints for pip, written by `make lock`: what the pins in pyproject.toml bring along.' > requirements.lock
	build/lock/bin/python -m pip freeze --all --exclude pip --exclude consilium \
		| sed -E '/^(nvidia|cuda|triton)/d; s/\+cpu$$//' >> requirements.lock
	rm -rf build/lock

clean: ## remove the environment and what tools left behind; the data folder stays
	rm -rf $(VENV) build dist .*_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# Installed anew only when a pin changed; with the development tools, what running needs is there too.
$(VENV)/run.stamp: pyproject.toml requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --editable . --constraint requirements.lock
	touch $@

$(VENV)/dev.stamp: pyproject.toml requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --editable '.[dev]' --constraint requirements.lock
	touch $(VENV)/run.stamp $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'Python 3.11 or newer is needed: install it, or name it, e.g. make $(MAKECMDGOALS) PYTHON=python3.12'; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo 'The environment $(VENV) cannot be made: on Debian and Ubuntu, apt install python3-venv'; exit 1; }
	@$@ -m pip install --upgrade pip==$(PIP_VERSION) || { rm -rf $(VENV); \
		echo 'pip cannot reach its package index: check the network, then run make $(MAKECMDGOALS) again'; exit 1; }

browser:
	@command -v chromedriver > /dev/null \
	|| { $(SUDO) apt-get update && $(SUDO) apt-get install -y --no-install-recommends \
		chromium chromium-driver fonts-liberation; } \
	|| { echo 'The browser tests need Chromium and chromedriver: install them (on Debian: apt install chromium' \
		'chromium-driver), or run the rest with: make check && $(BIN)/pytest -m "not browser"'; exit 1; }
