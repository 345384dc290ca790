# One image for every process of Airflow and for the workers; pinned by the same lock as `make`.
FROM python:3.12-slim AS build
COPY requirements.lock /tmp/requirements.lock
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir uv \
 && /opt/venv/bin/uv pip sync --python /opt/venv/bin/python --no-cache --require-hashes /tmp/requirements.lock

FROM python:3.12-slim
RUN groupadd --gid 50000 emotion \
 && useradd --uid 50000 --gid 0 --create-home --home-dir /opt/airflow emotion \
 && install -d -o 50000 -g 0 -m 0770 /var/lib/emotion /opt/airflow/logs
COPY --from=build /opt/venv /opt/venv
COPY dags /opt/emotion/dags
COPY plugins /opt/emotion/plugins
COPY sql /opt/emotion/sql
COPY reports /opt/emotion/reports
COPY deploy /opt/emotion/deploy
COPY emotion_core /opt/emotion/emotion_core
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/emotion \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/opt/airflow \
    # Keeps memory between batches instead of giving it back to the kernel: up to twice as fast.
    MALLOC_MMAP_MAX_=0 \
    MALLOC_TRIM_THRESHOLD_=17179869184 \
    MALLOC_TOP_PAD_=67108864
WORKDIR /opt/emotion
USER 50000:0
