"""Telling people that a limit was crossed, a run failed or does not end: log, webhook, e-mail.

Light to import, because a DAG file does when it is parsed: nothing of ours is loaded before there
is something to tell.
"""

import asyncio
import html
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

if TYPE_CHECKING:
    from emotion_core.settings import Settings

TRIES = 3
PATIENCE_SECONDS = 10.0


class AlertNotifier(BaseNotifier):
    """Tells what the run's check found newly crossed; does nothing when that is nothing.

    As ``on_success_callback`` of the task that measured. Whoever cannot be reached is named in the
    log, and the task stays successful: the rows are there, whether or not somebody was told.
    """

    def notify(self, context: Any) -> None:
        """Log each sentence; send them where ``EMOTION_ALERT_WEBHOOK`` and
        ``EMOTION_ALERT_EMAIL`` say."""
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import health

        try:
            with installation() as here:
                settings = here.settings
                sentences = health.new_alarms(here, context["run_id"])
        except Exception as error:
            self.log.error("what to tell could not be read: %s", error)
            return
        if sentences:
            self.tell(settings, context["run_id"], sentences)

    def tell(
        self,
        settings: "Settings",
        run_id: str,
        sentences: list[str],
        about: str = "a limit was crossed",
    ) -> None:
        """Bring these sentences to everybody who is to be told; never raises."""
        for sentence in sentences:
            self.log.warning("%s: %s", about, sentence)
        if settings.alert_webhook:
            self._post(settings.alert_webhook, run_id, sentences)
        if settings.alert_email:
            self._mail(settings.alert_email, run_id, sentences, about)

    def _post(self, address: str, run_id: str, sentences: list[str]) -> None:
        import httpx

        # "text" is what chat programs show; the rest is for programs.
        message = {
            "text": "Emotion Batch Scoring: " + " ".join(sentences),
            "alarms": sentences,
            "check": run_id,
        }
        host = urlsplit(address).hostname  # the rest of the address is often a secret
        for attempt in range(1, TRIES + 1):
            try:
                httpx.post(address, json=message, timeout=PATIENCE_SECONDS).raise_for_status()
            except httpx.HTTPStatusError as error:
                reason = f"it answered {error.response.status_code}"
                if error.response.status_code < 500:
                    break
            # What is no HTTPError is a proxy in the environment that httpx cannot use.
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError) as error:
                reason = type(error).__name__
            else:
                self.log.info("told %s", host)
                return
            self.log.info("try %d of %d: %s could not be told, %s", attempt, TRIES, host, reason)
        self.log.error("the webhook at %s could not be told: %s", host, reason)

    def _mail(self, receiver: str, run_id: str, sentences: list[str], about: str) -> None:
        try:
            from airflow.providers.smtp.notifications.smtp import SmtpNotifier

            items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
            SmtpNotifier(
                to=receiver,
                subject=f"Emotion Batch Scoring: {_subject(about, len(sentences))}",
                html_content=f"<p>{html.escape(run_id)}:</p><ul>{items}</ul>",
            ).notify({})
        except Exception as error:
            self.log.error("e-mail to %s could not be sent: %s", receiver, error)


class FailureNotifier(AlertNotifier):
    """Tells that a run failed, once a run. As ``on_failure_callback`` of a DAG.

    Runs in Airflow's DAG processor, which has no login to our database: the sentence names the
    run and where its log is, and holds nothing that a task wrote.
    """

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Nothing: no field is a template, and Airflow's own way fails where a run is tested."""

    def notify(self, context: Any) -> None:
        """Say which run of which DAG failed, and in which task if Airflow knows."""
        run_id = str(context["run_id"])
        last = context.get("ti") or context.get("task_instance")
        where = f" at {last.task_id}" if last is not None else ""
        title = context["dag"].dag_display_name
        sentence = f"{title} failed{where} (run {run_id}); the task's log in Airflow says why."
        self.tell(_settings(), run_id, [sentence], about="a run failed")


def deadline(title: str, hours: float) -> DeadlineAlert | None:
    """Tell of a run that has not ended so many hours after it was queued.

    Nothing under ``airflow dags test``: Airflow 3.3 looks there for what it never stored, and a
    test that succeeded would end in a traceback.
    """
    if sys.argv[1:3] == ["dags", "test"]:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=hours),
        callback=AsyncCallback(f"{__name__}.tell_deadline", {"title": title, "hours": hours}),
    )


async def tell_deadline(title: str, hours: float, context: Any) -> None:
    """Say that a run has not ended in time; Airflow's triggerer awaits this.

    Args:
        title: The DAG's, for people.
        hours: After the run was queued, it should have ended.
        context: Of the missed deadline: Airflow's run as its REST API shows it.
    """
    run_id = str(context["dag_run"]["dag_run_id"])
    sentence = (
        f"{title} has not ended {hours:g} hours after it was queued (run {run_id}): see in Airflow "
        "which task waits, for a worker, a slot of its pool or a person."
    )
    # The triggerer serves others meanwhile.
    await asyncio.to_thread(
        AlertNotifier().tell, _settings(), run_id, [sentence], "a run does not end"
    )


def _settings() -> "Settings":
    from emotion_core.settings import Settings

    return Settings.from_environment()


def _subject(about: str, count: int) -> str:
    if about == "a limit was crossed":
        return f"{count} limit{'s' if count > 1 else ''} crossed"
    return about
