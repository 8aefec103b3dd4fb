# make report   a report on checkpoints/standard, in build/report
# make test     the tests          make lint   style, types, architecture
# make docs     the documentation, in build/site; the code on its pages is run
# The first of them makes .venv; it is brought up to date when the requirements change.
# PYTHON=...    the Python to make it with: 3.11 to 3.13 (3.14 is untried)
# ARGS=...      more arguments for pytest or for mechinterp report

.DEFAULT_GOAL := help
.PHONY: help report test lint docs format clean
.DELETE_ON_ERROR:

VENV := .venv/bin
REQUIREMENTS := pyproject.toml constraints.txt .ci/environment.sh
export PYTHON

help:
	@sed -n '/^# /!q; s/^# //p' Makefile

.venv/installed: $(REQUIREMENTS)
	.ci/environment.sh
	@touch $@

.venv/installed-dev: $(REQUIREMENTS)
	.ci/environment.sh dev
	@touch .venv/installed $@

report: .venv/installed
	$(VENV)/mechinterp report checkpoints/standard --out build/report $(ARGS)

# two processes with a thread each; what is slow in one place overlaps with what is slow in another
test: .venv/installed-dev
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(VENV)/python -m pytest -n 2 --dist worksteal $(ARGS)

lint: .venv/installed-dev
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/pyright --warnings
	$(VENV)/lint-imports --no-logo

docs: .venv/installed-dev
	NO_MKDOCS_2_WARNING=1 $(VENV)/mkdocs build --quiet

format: .venv/installed-dev
	$(VENV)/ruff check --fix
	$(VENV)/ruff format

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find mechinterp tests analyses -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
