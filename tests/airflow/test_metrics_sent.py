"""Our gauges reach a collector through Airflow's own OpenTelemetry exporter, over a real socket."""

import os
import subprocess
import sys

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from receiver import Receiver

from emotion_core.airflow.metrics import send_gauges

# As a task does: Airflow's own start of its metrics, our gauges, the end of the process.
TASK = """
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils
stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
from emotion_core.airflow.metrics import send_gauges
send_gauges({"images_per_second": 29.5, "backlog_hours": 2, "refused_share": 0.25})
"""


def test_images_a_second_backlog_and_refused_share_reach_a_collector(receiver: Receiver) -> None:
    collector = {
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.address,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SERVICE_NAME": "airflow",
    }

    done = subprocess.run(
        [sys.executable, "-c", TASK],
        env={**os.environ, **collector},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    found = {}
    for body in receiver.bodies:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found[metric.name] = metric.gauge.data_points[0].as_double
    assert found == {
        "airflow.emotion.images_per_second": 29.5,
        "airflow.emotion.backlog_hours": 2.0,
        "airflow.emotion.refused_share": 0.25,
    }


def test_without_a_collector_nothing_is_sent_and_nothing_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    send_gauges({"images_per_second": 29.5})

    assert caplog.text == ""
