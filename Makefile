# One short command per chore; `make help` lists them.
# Options: PORT=8081  DATA=<folder or zip>  EXIT=1  SQL='select …'  TESTS='-k words'

PYTHON := .venv/bin/python
LOCAL := $(PYTHON) -m emotion_core.local
# Runs a command with the words of a variable as further arguments: $(WITH) ARGS command …
WITH := $(PYTHON) scripts/with_words.py

# What a user typed reaches the shell as environment, never as text of a command, and make itself
# expands no dollar in it: names may hold quotes, spaces, dollars and backticks.
define literally
override $(1) := $$(value $(1))
export $(1)
endef
$(foreach name,DATA PORT EXIT ARGS SQL TESTS JOBS BENCH MODELS IMAGES ITEMS ROWS OUT SMALL,\
	$(if $(value $(name)),$(eval $(call literally,$(name)))))

.DEFAULT_GOAL := help
.PHONY: help install demo up down clean distclean psql emotion docs test lint format lock audit secrets kills bench-equal bench-train soak bench-ledger bench-sql bench-score bench-gpu

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install:  ## make .venv from the hash-pinned lock
	@scripts/install.sh

demo: install  ## train, compare and score once; DATA=<folder or zip>, PORT=…, EXIT=1 stops at the end
	@$(LOCAL) demo $${DATA:+"--data=$$DATA"} $${PORT:+"--port=$$PORT"} $${EXIT:+--exit}

up: install  ## start PostgreSQL and Airflow, until Ctrl-C; PORT=…
	@$(LOCAL) up $${PORT:+"--port=$$PORT"}

down: install  ## stop the running system, from any terminal
	@$(LOCAL) down

clean: install  ## stop, then remove databases, models, reports and logs; keeps .venv
	@$(LOCAL) clean

distclean: clean  ## also remove .venv
	@rm -rf .venv

psql: install  ## psql on the database, as the analyst; SQL='…' for one statement
	@$(LOCAL) psql $${SQL:+"--command=$$SQL"}

emotion: install  ## the command `emotion` on the running system; ARGS='models'
	@$(WITH) ARGS $(LOCAL) emotion

docs: install  ## build the documentation site into site/
	@$(PYTHON) scripts/reference.py
	@$(PYTHON) scripts/house.py
	@.venv/bin/zensical build --strict --clean

test: install  ## all tests, two at a time; TESTS='-k words' for some, JOBS=…
	@scripts/install_browser.sh
	@scripts/install_redis.sh
	@$(WITH) TESTS $(PYTHON) -m pytest --numprocesses="$${JOBS:-2}" --dist loadfile \
		--no-loadscope-reorder

kills: install  ## kill the running system in every way and start it again; 8 minutes
	@PYTHONPATH=. $(PYTHON) tests/end_to_end/kill_matrix.py

bench-train: install  ## training: this loop against a plain one; DATA=<folder or zip>
	@PYTHONPATH=. $(WITH) BENCH $(PYTHON) benchmarks/training.py $${DATA:+"--data=$$DATA"}

bench-gpu:  ## tests, rates and metrics of a CUDA device in 8 minutes, into build/gpu; OUT=…  SMALL=1
	@benchmarks/gpu.sh

lint: install  ## check style and types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

format: install  ## fix the style
	@$(PYTHON) -m ruff check --fix --quiet .
	@$(PYTHON) -m ruff format .

secrets:  ## draw the secrets of docker-compose.yaml into .env
	@python3 deploy/make_secrets.py

audit: install  ## known vulnerabilities, licences and an SBOM of the lock, into build/
	@.venv/bin/uv venv --quiet --allow-existing --python $(PYTHON) build/audit
	@VIRTUAL_ENV=build/audit .venv/bin/uv pip sync --quiet --require-hashes scripts/audit.lock
	@build/audit/bin/pip-licenses --python=$(PYTHON) --format=markdown --order=license \
		--output-file=build/licences.md
	@build/audit/bin/cyclonedx-py requirements requirements.lock --output-file build/sbom.cdx.json
	@build/audit/bin/pip-audit --disable-pip --require-hashes --strict --requirement requirements.lock

lock: install  ## update the locks to newer versions
	@.venv/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade --quiet -o requirements.lock
	@echo uv | .venv/bin/uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade --quiet -o scripts/uv.lock
	@printf '%s\n' cyclonedx-bom pip-audit pip-licenses | .venv/bin/uv pip compile - --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade --quiet \
		-o scripts/audit.lock

bench-score: install  ## scoring against the usual ways to write it; MODELS='<run> …'  IMAGES=…
	@.venv/bin/uv venv --quiet --allow-existing --python $(PYTHON) benchmarks/.venv
	@VIRTUAL_ENV=benchmarks/.venv .venv/bin/uv pip sync --quiet --require-hashes \
		benchmarks/requirements-peers.txt
	@$(WITH) MODELS $(PYTHON) -W ignore benchmarks/scoring.py --peers benchmarks/.venv/bin/python \
		$${IMAGES:+"--images=$$IMAGES"} $${MODELS:+--models}

bench-report: install  ## time to render the report of 8 runs of 100,000 images
	@PYTHONPATH=. $(PYTHON) benchmarks/report.py

bench-errors: install  ## error rates of the report's tests on simulated data; PAGES=…; 30 minutes
	@OPENBLAS_NUM_THREADS=1 PYTHONPATH=.:tests $(PYTHON) benchmarks/errors.py \
		$(if $(PAGES),--pages $(PAGES))

bench-equal: install  ## how often equal networks are called different; PAGES=…; 6 minutes
	@OPENBLAS_NUM_THREADS=1 PYTHONPATH=. $(PYTHON) benchmarks/equal_networks.py \
		$(if $(PAGES),--pages $(PAGES))

bench-intake: install  ## time to take a million files into the ledger; ITEMS=…
	@PYTHONPATH=.:tests $(PYTHON) benchmarks/intake.py "$${ITEMS:-1000000}"

soak: install  ## score a million images while workers and server are killed; ITEMS=…; 15 minutes
	@EMOTION_CHAOS_ITEMS="$${ITEMS:-1000000}" $(PYTHON) -m pytest tests/faults/test_chaos.py

bench-sql: install  ## time of the analysts' queries over 10,000,000 predictions; ROWS=…
	@PYTHONPATH=.:tests $(PYTHON) benchmarks/analyst.py $${ROWS:+"$$ROWS"} --plans

bench-ledger: install  ## rows per second of the ledger, 1,000 to 1,000,000 items, and two Celery workers
	@scripts/install_redis.sh
	@PYTHONPATH=.:tests $(WITH) ITEMS $(PYTHON) benchmarks/ledger.py
	@PYTHONPATH=.:tests:tests/faults $(PYTHON) benchmarks/celery_workers.py
