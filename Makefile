# One short command per chore. `make help` lists them.
# Options: PORT=8081  DATA=<folder or zip>  EXIT=1  SQL='select …'  TESTS='-k words'

PYTHON := .venv/bin/python
LOCAL := $(PYTHON) -m emotion_core.local
# Runs a command with the words of a variable behind it: $(WITH) ARGS command …
WITH := $(PYTHON) scripts/with_words.py

# What a user typed reaches the shell as environment, never as text of a command, and make itself
# expands no dollar in it: names may hold quotes, spaces, dollars and backticks.
define literally
override $(1) := $$(value $(1))
export $(1)
endef
$(foreach name,DATA PORT EXIT ARGS SQL TESTS JOBS BENCH MODELS IMAGES ITEMS ROWS,\
	$(if $(value $(name)),$(eval $(call literally,$(name)))))

.DEFAULT_GOAL := help
.PHONY: help install demo up down clean distclean psql emotion docs test lint format lock audit secrets kills bench-train soak bench-ledger bench-sql bench-score

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install:  ## make .venv from the hash-pinned lock
	@scripts/install.sh

demo: install  ## the main job end to end; DATA=<folder or zip>, PORT=…, EXIT=1 ends by itself
	@$(LOCAL) demo $${DATA:+"--data=$$DATA"} $${PORT:+"--port=$$PORT"} $${EXIT:+--exit}

up: install  ## PostgreSQL and Airflow until Ctrl-C; PORT=…
	@$(LOCAL) up $${PORT:+"--port=$$PORT"}

down: install  ## stop what runs here, from any terminal
	@$(LOCAL) down

clean: install  ## stop, then remove databases, models, reports and logs; keeps .venv
	@$(LOCAL) clean

distclean: clean  ## also remove .venv
	@rm -rf .venv

psql: install  ## look around in the database as the analyst; SQL='…' for one statement
	@$(LOCAL) psql $${SQL:+"--command=$$SQL"}

emotion: install  ## the command `emotion` on the system that runs here; ARGS='models'
	@$(WITH) ARGS $(LOCAL) emotion

docs: install  ## the documentation site, into site/
	@$(PYTHON) scripts/reference.py
	@$(PYTHON) scripts/house.py
	@.venv/bin/zensical build --strict --clean

test: install  ## every test, with all that they need, two at a time; TESTS='-k words' for some, JOBS=…
	@scripts/install_browser.sh
	@scripts/install_redis.sh
	@$(WITH) TESTS $(PYTHON) -m pytest --numprocesses="$${JOBS:-2}" --dist loadfile \
		--no-loadscope-reorder

kills: install  ## kill the running system in every way and start it again; eight minutes
	@PYTHONPATH=. $(PYTHON) tests/end_to_end/kill_matrix.py

bench-train: install  ## training: our loop against a plain one; DATA=<folder or zip>
	@PYTHONPATH=. $(WITH) BENCH $(PYTHON) benchmarks/training.py $${DATA:+"--data=$$DATA"}

lint: install  ## style and types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

format: install  ## put the style right
	@$(PYTHON) -m ruff check --fix --quiet .
	@$(PYTHON) -m ruff format .

secrets:  ## draw what docker-compose.yaml asks for into .env
	@python3 deploy/make_secrets.py

audit: install  ## known vulnerabilities of the lock, licences and an SBOM, into build/
	@.venv/bin/uv venv --quiet --allow-existing --python $(PYTHON) build/audit
	@VIRTUAL_ENV=build/audit .venv/bin/uv pip sync --quiet --require-hashes scripts/audit.lock
	@build/audit/bin/pip-licenses --python=$(PYTHON) --format=markdown --order=license \
		--output-file=build/licences.md
	@build/audit/bin/cyclonedx-py requirements requirements.lock --output-file build/sbom.cdx.json
	@build/audit/bin/pip-audit --disable-pip --require-hashes --strict --requirement requirements.lock

lock: install  ## take newer versions into the locks
	@.venv/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade --quiet -o requirements.lock
	@echo uv | .venv/bin/uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade --quiet -o scripts/uv.lock
	@printf '%s\n' cyclonedx-bom pip-audit pip-licenses | .venv/bin/uv pip compile - --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade --quiet \
		-o scripts/audit.lock

bench-score: install  ## scoring against what one would write instead; MODELS='<run> …'  IMAGES=…
	@.venv/bin/uv venv --quiet --allow-existing --python $(PYTHON) benchmarks/.venv
	@VIRTUAL_ENV=benchmarks/.venv .venv/bin/uv pip sync --quiet --require-hashes \
		benchmarks/requirements-peers.txt
	@$(WITH) MODELS $(PYTHON) -W ignore benchmarks/scoring.py --peers benchmarks/.venv/bin/python \
		$${IMAGES:+"--images=$$IMAGES"} $${MODELS:+--models}

bench-report: install  ## the report of 8 runs of 100,000 images, from tables to page
	@PYTHONPATH=. $(PYTHON) benchmarks/report.py

bench-errors: install  ## how often the report is wrong where the truth is known; PAGES=…; half an hour
	@OPENBLAS_NUM_THREADS=1 PYTHONPATH=.:tests $(PYTHON) benchmarks/errors.py \
		$(if $(PAGES),--pages $(PAGES))

bench-intake: install  ## a million files from folder to ledger; ITEMS=…
	@PYTHONPATH=.:tests $(PYTHON) benchmarks/intake.py "$${ITEMS:-1000000}"

soak: install  ## a night of a million images on which everything fails; ITEMS=…; a quarter of an hour
	@EMOTION_CHAOS_ITEMS="$${ITEMS:-1000000}" $(PYTHON) -m pytest tests/faults/test_chaos.py

bench-sql: install  ## how long analysts wait, over 10,000,000 predictions; ROWS=…
	@PYTHONPATH=.:tests $(PYTHON) benchmarks/analyst.py $${ROWS:+"$$ROWS"} --plans

bench-ledger: install  ## what the ledger costs from 1,000 to 1,000,000 items, and two Celery workers
	@scripts/install_redis.sh
	@PYTHONPATH=.:tests $(WITH) ITEMS $(PYTHON) benchmarks/ledger.py
	@PYTHONPATH=.:tests:tests/faults $(PYTHON) benchmarks/celery_workers.py
