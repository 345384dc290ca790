# One short command per chore. `make help` lists them.
# Options: PORT=8081  DATA=<folder or zip>  EXIT=1  SQL='select …'  TESTS='-k words'

PYTHON := .venv/bin/python
LOCAL := $(PYTHON) -m emotion_core.local

.DEFAULT_GOAL := help
.PHONY: help install demo up down clean distclean psql test lint format lock secrets

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install:  ## make .venv from the hash-pinned lock
	@scripts/install.sh

demo: install  ## the main job end to end; DATA=<folder or zip>, PORT=…, EXIT=1 ends by itself
	@$(LOCAL) demo $(if $(DATA),--data '$(DATA)') $(if $(PORT),--port '$(PORT)') $(if $(EXIT),--exit)

up: install  ## PostgreSQL and Airflow until Ctrl-C; PORT=…
	@$(LOCAL) up $(if $(PORT),--port '$(PORT)')

down: install  ## stop what runs here, from any terminal
	@$(LOCAL) down

clean: install  ## stop, then remove databases, models, reports and logs; keeps .venv
	@$(LOCAL) clean

distclean: clean  ## also remove .venv
	@rm -rf .venv

psql: install  ## look around in the database as the analyst; SQL='…' for one statement
	@$(LOCAL) psql $(if $(SQL),--command '$(subst ','\'',$(SQL))')

test: install  ## every test, with all that they need; TESTS='-k words' for some
	@scripts/install_browser.sh
	@$(PYTHON) -m pytest $(TESTS)

lint: install  ## style and types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

format: install  ## put the style right
	@$(PYTHON) -m ruff check --fix --quiet .
	@$(PYTHON) -m ruff format .

secrets:  ## draw what docker-compose.yaml asks for into .env
	@python3 deploy/make_secrets.py

lock: install  ## take newer versions into the locks
	@.venv/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade --quiet -o requirements.lock
	@echo uv | .venv/bin/uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade --quiet -o scripts/uv.lock
