# The three commands that matter: make picture, make test, make help.
# Everything lives in .venv; a stamp file there makes the second run quick.

PROMPT ?= a red apple
OUT    ?= out
ARGS   ?=
JOBS   ?= 2
VENV   ?= .venv
# Extra arguments for pip, for example an index that has a CPU build of torch
PIP_ARGS ?=
# LOCKED=1 installs what the lock files say, with hashes
LOCKED ?=

# $(value …) takes the prompt as it was typed: make expands no $ in it, and the shell reads it from the environment
export MEZZOTINT_PROMPT := $(value PROMPT)
export MEZZOTINT_OUT := $(value OUT)
unexport PROMPT OUT

# Evaluated only when an environment is made
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11 python,$(shell \
	$(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check
BASE   := $(VENV)/.base-stamp
RUN    := $(VENV)/.run-stamp
DEV    := $(VENV)/.dev-stamp
# Without a lock the newest torch that pyproject.toml allows is taken; with it, the one that was tested
TORCH   = $(shell sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements-torch.lock)

.DEFAULT_GOAL := help
.PHONY: help picture test lint lock clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile
	@echo '  Examples:  make picture PROMPT="a blue fish"   make picture ARGS="--seed 7 --steps 20" OUT=out/fish.png'

picture: $(RUN) ## Draw PROMPT into the folder or file OUT, with ARGS for `mezzotint imagine`
	@echo "Drawing; the picture goes to:"
	@$(VENV)/bin/mezzotint imagine --out "$$MEZZOTINT_OUT" $(ARGS) -- "$$MEZZOTINT_PROMPT"

test: $(DEV) ## Run ruff, mypy and all tests but those marked slow
	@style=0; tests=0; \
	$(PY) -m ruff check . || style=1; \
	$(PY) -m mypy || style=1; \
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(PY) -m pytest -n $(JOBS) -m "not slow" || tests=1; \
	[ $$style = 0 ] || echo "ruff or mypy found mistakes: see above the tests, or run make lint"; \
	[ $$style$$tests = 00 ]

lint: $(DEV) ## Run ruff and mypy
	$(PY) -m ruff check .
	$(PY) -m mypy

lock: ## Write the lock files anew (needs uv)
	$(PYTHON) scripts/lock.py

clean: ## Remove .venv and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

# A Python without ensurepip (Debian without python3-venv) can still make an environment and put its own pip to work
$(BASE):
	@[ -n "$(PYTHON)" ] || { echo "Mezzotint needs Python 3.11 or newer; install it, or name it: make PYTHON=..."; exit 2; }
	@$(PYTHON) -m venv $(VENV) >$(VENV).log 2>&1 || { \
		rm -rf $(VENV); \
		$(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(PY) install -q pip; } || { \
		cat $(VENV).log; rm -f $(VENV).log; echo "No environment could be made; on Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	@rm -f $(VENV).log
	@touch $@

$(RUN): pyproject.toml | $(BASE)
	@echo "Installing mezzotint into $(VENV); the first time takes a few minutes"
ifeq ($(LOCKED),)
	@$(PIP) install -q $(PIP_ARGS) -e .
else
	@$(PIP) install -q $(PIP_ARGS) --require-hashes --no-deps -r requirements.lock
	@$(PIP) install -q $(PIP_ARGS) "$(TORCH)"
	@$(PIP) install -q --no-deps --no-build-isolation -e .
endif
	@touch $@

$(DEV): $(RUN) requirements-parity.lock
ifeq ($(LOCKED),)
	@$(PIP) install -q $(PIP_ARGS) -e '.[dev]'
endif
	@$(PIP) install -q $(PIP_ARGS) --require-hashes --no-deps -r requirements-parity.lock
	@touch $@
