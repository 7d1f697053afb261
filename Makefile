# Two commands are enough: `make demo` and `make test`. Both prepare what they need.
.PHONY: help setup setup-test demo run test check bench takeover chaos fuzz soak clean
RUN = .venv/bin/hotline

help:  ## this text
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## system packages, Python environment, private Asterisk and Redis, prompts
	@tools/setup.sh run

setup-test:
	@tools/setup.sh test

demo: setup  ## start everything and let simulated callers through
	@exec $(RUN) demo $(if $(PHONES),--phones $(PHONES)) $(if $(SCENE),--scene $(SCENE))

run: setup  ## start everything; PHONES=0 leaves the seats to your own phones
	@exec $(RUN) run $(if $(PHONES),--phones $(PHONES))

test: setup-test check  ## everything: lint, types, architecture, unit, integration, browser
	@.venv/bin/python -m pytest $(PYTEST)

check: setup-test  ## lint (ruff), types (mypy strict), architecture (import-linter)
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: setup-test  ## side by side: native dialplan + app_queue against this service
	@.venv/bin/python -m bench

takeover: setup-test  ## kill processes of the service, 500 rounds (ROUNDS=, SEED=)
	@.venv/bin/python -m tests.takeover --rounds $(or $(ROUNDS),500) --seed $(or $(SEED),1)

chaos: setup-test  ## failures of every part, calls in all phases (FAILURES=200, CALLS=60, SEED=, CHAOS=--switches=2)
	@.venv/bin/python -m tests.chaos --failures $(or $(FAILURES),200) --calls $(or $(CALLS),60) --seed $(or $(SEED),1) $(CHAOS)

soak: setup-test  ## half the capacity for long (MINUTES=30, LOAD=half): memory flat, nothing left behind?
	@.venv/bin/python -m tests.soak --minutes $(or $(MINUTES),30) --load $(or $(LOAD),half)

fuzz: setup-test  ## hostile input at every edge, for long and from a new seed (FUZZ_SEED=, FUZZ_FACTOR=40)
	@FUZZ=long FUZZ_SEED=$(FUZZ_SEED) FUZZ_FACTOR=$(FUZZ_FACTOR) .venv/bin/python -m pytest tests/fuzz $(PYTEST)

clean:  ## remove all that was made (var/, .venv/); asks first
	@printf 'Remove var/ (with all recordings and drafts) and .venv/? [y/N] '; read a; [ "$$a" = y ] && rm -rf var .venv || echo kept
