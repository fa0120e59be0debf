# Two commands: `make demo` and `make test`. Everything is installed into .venv from the lock in requirements/.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
UV := $(BIN)/uv
WORKERS ?= 2

.PHONY: demo notebooks notebooks-pair notebooks-docs test quick-tests test-slow lint types layers unit lock clean install

install: .venv/.core ## the package and its core dependencies

demo: .venv/.core ## the whole path on sample traffic, in ./var/demo
	$(BIN)/cjp-fraud demo

notebooks: .venv/.all ## JupyterLab on the demo's data, on this machine alone; the demo is made first if it is not there
	@test -n "$$(ls var/demo/case-*.zip 2>/dev/null)" || $(BIN)/cjp-fraud demo
	cd notebooks && CJP_FRAUD_HOME=$(CURDIR)/var/demo ../$(BIN)/jupyter lab --ip 127.0.0.1 $(JUPYTER_OPTIONS)

notebooks-pair: .venv/.all ## notebooks/*.ipynb anew from the scripts beside them, without outputs
	$(BIN)/python scripts/notebooks.py pair

notebooks-docs: .venv/.all ## run the notebooks on the demo's data and write them with outputs into docs/notebooks
	@test -n "$$(ls var/demo/case-*.zip 2>/dev/null)" || $(BIN)/cjp-fraud demo
	$(BIN)/python scripts/notebooks.py render

test: .venv/.all lint ## everything that must hold, but for what takes long; types and layers are checked beside the tests
	scripts/system-parts
	$(MAKE) --no-print-directory --jobs 2 quick-tests types layers

quick-tests: .venv/.all
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow"

test-slow: .venv/.all ## what takes long: slow tests, property tests with many examples, the rest on PostgreSQL
	scripts/system-parts
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "slow or thorough"

unit: .venv/.all
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow" tests/unit

lint: .venv/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.all
	$(BIN)/mypy

layers: .venv/.all
	$(BIN)/lint-imports --config setup.cfg

lock: .venv/.uv ## make the lock again from setup.cfg
	cd requirements && ../$(UV) pip compile -q --no-header --generate-hashes --python-version 3.11 bootstrap.in -o bootstrap.txt
	$(UV) pip compile -q --no-header --generate-hashes --python-version 3.11 setup.cfg requirements/build.in \
		--extra airflow --extra notebooks --extra cluster --extra test -o requirements/all.txt
	$(UV) pip compile -q --no-header --generate-hashes --python-version 3.11 setup.cfg requirements/build.in \
		-c requirements/all.txt -o requirements/core.txt

clean:
	rm -rf .venv var build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/.uv: requirements/bootstrap.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/bootstrap.txt
	touch $@

.venv/.core: .venv/.uv requirements/core.txt setup.cfg
	$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/core.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q cjp_fraud features models
	touch $@

.venv/.all: .venv/.core requirements/all.txt
	$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/all.txt
	touch $@
