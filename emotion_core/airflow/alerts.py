"""Alerts about crossed limits, failed runs and runs that do not end: log, webhook, e-mail.

Light to import, because DAG files do when they are parsed.
"""

import asyncio
import html
import logging
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

log = logging.getLogger(__name__)

TRIES = 3
TIMEOUT_SECONDS = 10.0


class AlertNotifier(BaseNotifier):
    """Alerts about the limits that the run's check found newly crossed.

    As ``on_success_callback`` of the task that measured. An alert that cannot be delivered is an
    error in the log, and the task stays successful: its rows are stored.
    """

    def notify(self, context: Any) -> None:
        """Send what the check of this run found."""
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import health

        try:
            with installation() as here:
                sentences = health.new_alarms(here, context["run_id"])
        except Exception as error:
            log.error("the alarms of this check cannot be read: %s", error)
            return
        count = len(sentences)
        send_alert(f"{count} limit{'s' * (count > 1)} crossed", context["run_id"], sentences)


class FailureNotifier(BaseNotifier):
    """Alerts that a run failed, once per run. As ``on_failure_callback`` of a DAG.

    Runs in Airflow's DAG processor, which has no login to our database: the alert names the run
    and where its log is, and holds nothing that a task wrote.
    """

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Nothing: no field is a template, and Airflow's own way fails under ``dag.test()``."""

    def notify(self, context: Any) -> None:
        """Name the run, its DAG, and the task if Airflow knows it."""
        last = context.get("ti") or context.get("task_instance")
        where = f" at {last.task_id}" if last is not None else ""
        title, run_id = context["dag"].dag_display_name, context["run_id"]
        sentence = f"{title} failed{where} (run {run_id}); the task's log in Airflow has the cause."
        send_alert("a run failed", run_id, [sentence])


def deadline(title: str, hours: float) -> DeadlineAlert | None:
    """Alerts about a run that has not ended so many hours after it was queued.

    None under ``airflow dags test``: Airflow 3.3 looks there for what it never stored, and a
    test that succeeded would end in a traceback.
    """
    if sys.argv[1:3] == ["dags", "test"]:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=hours),
        callback=AsyncCallback(f"{__name__}.alert_late_run", {"title": title, "hours": hours}),
    )


async def alert_late_run(title: str, hours: float, context: Any) -> None:
    """Alert that a run has not ended in time; Airflow's triggerer awaits this.

    Args:
        title: The DAG's display name.
        hours: After the run was queued, it should have ended.
        context: Of the missed deadline: Airflow's run as its REST API shows it.
    """
    run_id = str(context["dag_run"]["dag_run_id"])
    sentence = (
        f"{title} has not ended {hours:g} hours after it was queued (run {run_id}): see in Airflow "
        "which task waits, for a worker, a slot of its pool or a person."
    )
    # In a thread, because other triggers share the loop.
    await asyncio.to_thread(send_alert, "a run does not end", run_id, [sentence])


def send_alert(subject: str, run_id: str, sentences: Sequence[str]) -> None:
    """Log the sentences, and send them to ``EMOTION_ALERT_WEBHOOK`` and ``EMOTION_ALERT_EMAIL``.

    Never raises for a receiver that cannot be reached; sends nothing without a sentence.

    Args:
        subject: What happened, in a few words.
        run_id: Of the Airflow run.
        sentences: For people who have not seen the run.

    Raises:
        SettingsError: A setting cannot be used.
    """
    from emotion_core.settings import Settings

    settings = Settings.from_environment()
    for sentence in sentences:
        log.warning("%s: %s", subject, sentence)
    if sentences and settings.alert_webhook:
        # "text" is what chat programs show; the rest is for programs.
        text = "Emotion Batch Scoring: " + " ".join(sentences)
        _post(settings.alert_webhook, {"text": text, "alarms": [*sentences], "check": run_id})
    if sentences and settings.alert_email:
        items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
        page = f"<p>{html.escape(run_id)}:</p><ul>{items}</ul>"
        _mail(settings.alert_email, f"Emotion Batch Scoring: {subject}", page)


def _post(address: str, message: dict[str, Any]) -> None:
    import httpx

    reason = ""
    for _ in range(TRIES):
        try:
            httpx.post(address, json=message, timeout=TIMEOUT_SECONDS).raise_for_status()
            return
        except httpx.HTTPStatusError as error:
            reason = f"it answered {error.response.status_code}"
            if error.response.status_code < 500:
                break
        # What is no HTTPError is a proxy in the environment that httpx cannot use.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError) as error:
            reason = type(error).__name__
    host = urlsplit(address).hostname  # the rest of the address is often a secret
    log.error("the webhook at %s did not accept the alert: %s", host, reason)


def _mail(receiver: str, subject: str, page: str) -> None:
    try:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        SmtpNotifier(to=receiver, subject=subject, html_content=page).notify({})
    except Exception as error:
        log.error("the e-mail to %s could not be sent: %s", receiver, error)
