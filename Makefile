# make run: the app on its built-in default.  make test: every test.  Both make .venv first.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
EXTRAS ?= test
JOBS ?= auto
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# The tests below may run for an hour each.
LONG := --timeout 3600 -o faulthandler_timeout=0

.PHONY: run test test-fast test-kernels kill-test soak fuzz coverage mutants audit lint lint-platforms typed \
	docs report pictures dist matrix release clean

run: .venv/.run
	@$(BIN)/cnn-tui $(ARCH)

# On every core; a worker that has no more tests takes some of another. JOBS=0: one after the other.
test: .venv/.test
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

# All but the slow ones; docs/testing.md says how long each of these takes.
test-fast: .venv/.test
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(PYTEST_ARGS)

# Those of the engine once more on the other kernels of NumPy's BLAS, as far as this CPU has them.
test-kernels: .venv/.test
	@.ci/kernels -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

# A hundred trainings killed at random moments, in place of the ten of `make test`.
kill-test: .venv/.test
	CNN_TUI_KILLS=100 $(BIN)/python -m pytest tests/durability/test_kill.py $(LONG) $(PYTEST_ARGS)

# A run of a million batches, in place of a hundred thousand: without a screen, then in a terminal.
soak: .venv/.test
	CNN_TUI_SOAK_STEPS=1000000 $(BIN)/python -m pytest tests/tui/test_train_soak.py $(LONG) $(PYTEST_ARGS)
	$(BIN)/python benchmarks/dashboard.py soak

# Random keys in the app, random files and lines: fifty times as many, others each time.
fuzz: .venv/.test
	CNN_TUI_FUZZ=50 $(BIN)/python -m pytest tests/tui/test_build_random.py \
		tests/engine/test_codec.py tests/engine/test_quick.py tests/engine/test_pattern.py \
		tests/engine/test_data_fuzz.py $(LONG) $(PYTEST_ARGS)

# Which lines and branches all the tests together reach. Those of the guard kill a pytest that is
# measured, which then waits for ever; they reach nothing of the code.
coverage: .venv/.trust
	@rm -rf build/coverage
	$(BIN)/coverage run -m pytest -n $(JOBS) --dist worksteal --ignore tests/test_guard.py $(LONG) $(PYTEST_ARGS) || \
		echo "some tests failed: what they would have reached is missing" >&2
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --sort cover

# Changes of the code that no test notices: an hour or more; FILES="shapes.py" is minutes.
mutants: .venv/.trust
	$(BIN)/python benchmarks/mutants.py $(FILES)

# What is known to be unsafe, in this code and in what is installed with it.
audit: .venv/.trust
	$(BIN)/bandit -q -c pyproject.toml -r engine tui presets
	$(BIN)/pip-audit --progress-spinner off --skip-editable

# The tables of the docs that are made from the code, then the site: build/site/index.html.
docs: .venv/.docs
	$(BIN)/python docs/tables.py
	@rm -rf build/site
	$(BIN)/sphinx-build -c docs/site --fail-on-warning --keep-going --quiet -E . build/site

# What the README promises, measured: docs/quality.md. Five minutes on an idle machine.
report: .venv/.test
	$(BIN)/python docs/quality.py

# The pictures of the docs, the moving one of the README, the page that takes a newcomer through the app
# with its figures; and, to look at, every screen in build/gallery. SHOTS="runs inspect": only those.
pictures: .venv/.test
	$(BIN)/python docs/screenshots.py
	$(BIN)/python docs/moving.py
	$(BIN)/python docs/first_hour.py
	$(BIN)/python docs/gallery.py $(SHOTS)

lint: .venv/.test typed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=build/typed $(BIN)/mypy -p cnn_tui.engine -p cnn_tui.tui
	$(BIN)/lint-imports --no-logo

# The types as on other systems: whatever they lack has to be guarded.
lint-platforms: .venv/.test typed
	printf '%s\n' win32 darwin | MYPYPATH=build/typed xargs -P 2 -I SYSTEM \
		$(BIN)/mypy --platform SYSTEM --cache-dir .mypy_cache/SYSTEM -p cnn_tui.engine -p cnn_tui.tui

# mypy cannot follow the hook of an editable install: it gets an ordinary one.
typed: .venv/.test
	@rm -rf build/lib build/bdist.* build/typed
	$(INSTALL) --no-deps --no-build-isolation --target build/typed .

# dist/: wheel and sdist of the last commit, checked, as they would be published.
dist: .venv/.dist
	@.ci/dist

# Both installed on every Python that is here, with the oldest and the newest dependencies, and tried.
matrix: dist
	@$(BIN)/python benchmarks/matrix.py $(PYTHONS)

# make release VERSION=0.1.0: the version, the heading in the changelog, a tag and dist/; nothing is uploaded.
release: .venv/.dist
	@.ci/release $(VERSION)

.venv/.made: pyproject.toml constraints.txt
	@$(or $(PYTHON),python3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "cnn-tui needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	{ echo "$(PYTHON) lacks its venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: .venv/.made
	@echo "Installing cnn-tui into .venv"
	@$(INSTALL) --editable .
	@touch $@

.venv/.test: .venv/.made
	@echo "Installing cnn-tui and what its tests need into .venv"
	@$(INSTALL) --editable '.[$(EXTRAS)]'
	@touch $@ .venv/.run

.venv/.dist: .venv/.made
	@$(INSTALL) --editable '.[dist]'
	@touch $@ .venv/.run

.venv/.docs: .venv/.test
	@echo "Installing what makes the site into .venv"
	@$(INSTALL) --editable '.[docs]'
	@touch $@

.venv/.trust: .venv/.test
	@echo "Installing what measures coverage, mutates and audits"
	@$(INSTALL) --editable '.[$(EXTRAS),trust]'
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
