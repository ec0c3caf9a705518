# Two commands on a fresh machine: `make demo` and `make test`. Everything is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUN := runs/demo

.PHONY: help demo test check format claims bench clean
help:
	@echo "make demo    train InfoGAN on the embedded digits; ends with its scores and the path of a report"
	@echo "make test    run the tests"
	@echo "make check   ruff, mypy, doctests: what CI runs before the tests"
	@echo "make claims  measure what every system must show (hours); CLAIMS='gan infogan' for some"
	@echo "make bench   time our rounds against textbook ones, in one process"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt 'setuptools>=77' wheel
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[all]'
	@touch $@

demo: $(STAMP)
	@rm -rf $(RUN)
	$(BIN)/sparring train infogan digits --width 32 --z 16 --weight-continuous 0.02 --rounds 12000 --out $(RUN)
	@echo "Open $(CURDIR)/$(RUN)/report.html in a browser."

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest src

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

claims: $(STAMP)
	$(BIN)/sparring claims $(CLAIMS)

bench: $(STAMP)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) runs lab .mypy_cache .ruff_cache .pytest_cache .hypothesis build
