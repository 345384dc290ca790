# Two images, pinned by the same lock as `make`: `control` for what parses DAGs, plans and shows pages,
# without torch; `worker` for what trains and scores. Which packages stay out: deploy/not_in_*.txt.
FROM python:3.12-slim AS packages
COPY requirements.lock deploy/not_in_images.txt /tmp/
RUN python -m venv /opt/venv \
 && python -m pip install --no-cache-dir uv \
 && uv pip sync --python /opt/venv/bin/python --no-cache --require-hashes /tmp/requirements.lock \
 && uv pip uninstall --python /opt/venv/bin/python --requirements /tmp/not_in_images.txt

FROM packages AS control-packages
COPY deploy/not_in_control.txt /tmp/
RUN uv pip uninstall --python /opt/venv/bin/python --requirements /tmp/not_in_control.txt

FROM python:3.12-slim AS code
RUN groupadd --gid 50000 emotion \
 && useradd --uid 50000 --gid 0 --create-home --home-dir /opt/airflow emotion \
 && install -d -o 50000 -g 0 -m 0770 /var/lib/emotion /opt/airflow/logs \
 && printf '#!/bin/sh\nexec python -m emotion_core.cli "$@"\n' > /usr/local/bin/emotion \
 && chmod 0755 /usr/local/bin/emotion
COPY dags /opt/emotion/dags
COPY plugins /opt/emotion/plugins
COPY sql /opt/emotion/sql
COPY reports /opt/emotion/reports
COPY deploy /opt/emotion/deploy
COPY emotion_core /opt/emotion/emotion_core
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/emotion \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/opt/airflow
WORKDIR /opt/emotion
USER 50000:0

FROM code AS control
COPY --from=control-packages /opt/venv /opt/venv

FROM code AS worker
COPY --from=packages /opt/venv /opt/venv
# MALLOC: keeps memory between batches instead of giving it back to the kernel, up to twice as fast.
# OMP: threads that spin while they wait starve each other on a machine with other work.
ENV MALLOC_MMAP_MAX_=0 \
    MALLOC_TRIM_THRESHOLD_=17179869184 \
    MALLOC_TOP_PAD_=67108864 \
    OMP_WAIT_POLICY=PASSIVE
