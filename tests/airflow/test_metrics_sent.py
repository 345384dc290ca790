"""Our gauges reach a collector through Airflow's own OpenTelemetry exporter, over a real socket."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

# As a task does: Airflow's own start of its metrics, our gauges, the end of the process.
TASK = """
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils
stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
from emotion_core.airflow.metrics import send_gauges
send_gauges({"images_per_second": 29.5, "backlog_hours": 2, "refused_share": 0.25})
"""


@pytest.fixture
def collector() -> Iterator[tuple[int, list[bytes]]]:
    received: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, received
    server.shutdown()
    server.server_close()


def run_task(**variables: str) -> Any:
    return subprocess.run(
        [sys.executable, "-c", TASK],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_images_a_second_backlog_and_refused_share_reach_a_collector(
    collector: tuple[int, list[bytes]],
) -> None:
    port, received = collector

    done = run_task(
        AIRFLOW__METRICS__OTEL_ON="True",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_SERVICE_NAME="airflow",
    )

    assert done.returncode == 0, done.stderr
    found = {}
    for body in received:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found[metric.name] = metric.gauge.data_points[0].as_double
    assert found == {
        "airflow.emotion.images_per_second": 29.5,
        "airflow.emotion.backlog_hours": 2.0,
        "airflow.emotion.refused_share": 0.25,
    }


def test_without_a_collector_nothing_is_sent_and_nothing_fails() -> None:
    done = run_task()

    assert done.returncode == 0, done.stderr
