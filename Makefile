# Every target installs what it needs, once, from the hashed lock files.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(VENV)/.installed
TEST   := $(VENV)/.installed-test
BENCH  := .venv-bench
HASHED := -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all:
PIP    := $(BIN)/python $(HASHED)

.DEFAULT_GOAL := help
.PHONY: help report test lab refresh bench clean

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

report: $(RUN)  ## the report of the bundled company, in reports/
	@$(BIN)/crmlib report

test: $(TEST)  ## every test: units, doctests, notebooks, pages
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile

lab: $(RUN)  ## JupyterLab on the notebooks
	@$(BIN)/jupyter lab --notebook-dir=notebooks

refresh: $(RUN)  ## run the committed notebooks again and clean their outputs
	@$(BIN)/python -m crmlib.publish.refresh

bench: $(BENCH)/.installed  ## time it, side by side with peers (a part: ONLY=churn)
	@$(BENCH)/bin/python -m benchmarks $(if $(ONLY),--only $(ONLY))

clean:  ## remove the environment and the reports
	rm -rf $(VENV) $(BENCH)
	find reports -mindepth 1 -not -name README.md -delete

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Found: $$($(PYTHON) --version). Expected: Python 3.11 or newer. What to do: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Found: no working 'venv'. What to do: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }

$(RUN): requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the environment (once, about a minute) ..."
	@$(PIP) -r requirements.lock
	@$(BIN)/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "crmlib.pth").write_text(str(pathlib.Path.cwd()))'
	@printf '#!%s\nimport sys\nfrom crmlib.cli import main\nsys.exit(main())\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/crmlib && chmod +x $(BIN)/crmlib
	@touch $@

$(TEST): requirements-test.lock $(RUN)
	@echo "Installing what the tests need (once) ..."
	@$(PIP) -r requirements-test.lock
	@touch $@

# The peers bring compilers and arrays of their own: reports and tests never see them.
$(BENCH)/.installed: requirements-bench.lock $(RUN)
	@echo "Installing the peers (once, a minute or two) ..."
	@$(BIN)/python -m venv $(BENCH) && echo '*' > $(BENCH)/.gitignore
	@$(BENCH)/bin/python $(HASHED) -r requirements-bench.lock
	@touch $@
