# Every target makes its own environment in .venv and leans on nothing that is installed on the machine but Python,
# a C++ compiler and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
SOURCES := $(shell find native src -name '*.cpp' -o -name '*.hpp' -o -name '*.py' -o -name '*.toml' -o -name '*.pyi' -o -name '*.json') CMakeLists.txt pyproject.toml

.PHONY: demo test check unit benchmark docs-benchmarks fuzz docs-figures clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'

# The package as a user gets it: built, not linked to the sources.
$(VENV)/.installed: $(BIN)/python $(SOURCES) README.md LICENSE
	$(PIP) install --force-reinstall --no-deps .
	$(PIP) install '.[all]'
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install --group test --group lint
	touch $@

demo: $(VENV)/.installed
	$(BIN)/azimuthal demo --output demo-output --force

test: check unit

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2

benchmark: $(VENV)/.installed-test
	$(BIN)/azimuthal benchmark

# On a quiet machine: the page that is committed says what this one measured.
docs-benchmarks: $(VENV)/.installed-test
	$(BIN)/azimuthal benchmark --markdown docs/reference/benchmarks.md --picture docs/reference/benchmarks.png --force

# docs/how-to/fuzz-the-decoders.md
RUNS ?= 1000000
SEED ?= 1
fuzz: $(VENV)/.installed-test
	$(PIP) install zstandard
	$(BIN)/python native/fuzz/make_seeds.py build/fuzz/seeds
	$(BIN)/cmake -S . -B build/fuzz -DAZIMUTHAL_FUZZ=ON -DCMAKE_CXX_COMPILER=$(CXX)
	$(BIN)/cmake --build build/fuzz
	mkdir -p build/fuzz/corpus
	cd build/fuzz && ./chunk_fuzz -runs=$(RUNS) -seed=$(SEED) -max_len=4096 corpus seeds

docs-figures: $(VENV)/.installed
	$(BIN)/python docs/figures/make_figures.py

clean:
	rm -rf $(VENV) build demo-output
