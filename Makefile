# Every target hands over to `python3 -m launch`, which makes the environment .venv at need.
# PYTHON=… names another Python; PORT=, HOST= and VAR= (folder of the instance) are for `make run`; ARGS= goes to the tool.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; exit; fi; done; \
	echo python3)
LAUNCH = exec $(PYTHON) -m launch --end-with-parent

.DEFAULT_GOAL := help
.PHONY: help run stop reset manage test check bench smoke lock python

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1#/p' Makefile | tr '#' '\t' | expand -t 16

run: python ## Set everything up and run it (PORT=8000 HOST=127.0.0.1 VAR=var); Ctrl-C stops it
	@$(LAUNCH) run

stop: python ## Stop what `make run` started in another terminal (VAR=)
	@$(LAUNCH) stop

reset: python ## Forget database, mails and logins; the next `make run` starts over (VAR=)
	@$(LAUNCH) reset

manage: python ## Run a management command, for example ARGS="import_office demo --dry-run"
	@$(LAUNCH) manage $(ARGS)

test: python ## Run the tests on an embedded PostgreSQL, or on DATABASE_URL (ARGS="-k licence")
	@$(LAUNCH) test $(ARGS)

check: python ## Lint, types, imports, templates, migrations, deployment, translations, lock files
	@$(LAUNCH) check

bench: python ## Measure; prints a table and writes var/bench.json
	@$(LAUNCH) bench $(ARGS)

smoke: python ## Drive the whole path over HTTP against an instance of its own
	@$(LAUNCH) smoke $(ARGS)

lock: python ## Write the lock files anew (ARGS=--upgrade for newer versions)
	@$(LAUNCH) lock $(ARGS)

python:
	@command -v $(PYTHON) >/dev/null || { echo "Narada: needs Python 3.11 or newer, and $(PYTHON) is not installed." >&2; exit 1; }
