"""Telling people that a limit was crossed: log, webhook, e-mail, through Airflow's notifiers.

Light to import, because a DAG file does when it is parsed: nothing of ours is loaded before there
is something to tell.
"""

import html
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.sdk.bases.notifier import BaseNotifier

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
        from emotion_core.airflow_tasks import steps

        try:
            with steps() as step:
                settings = step.settings
                sentences = step.new_alarms(context["run_id"])
        except Exception as error:
            self.log.error("what to tell could not be read: %s", error)
            return
        if sentences:
            self.tell(settings, context["run_id"], sentences)

    def tell(self, settings: "Settings", run_id: str, sentences: list[str]) -> None:
        """Bring these sentences to everybody who is to be told; never raises."""
        for sentence in sentences:
            self.log.warning("a limit was crossed: %s", sentence)
        if settings.alert_webhook:
            self._post(settings.alert_webhook, run_id, sentences)
        if settings.alert_email:
            self._mail(settings.alert_email, run_id, sentences)

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
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                reason = type(error).__name__
            else:
                self.log.info("told %s", host)
                return
            self.log.info("try %d of %d: %s could not be told, %s", attempt, TRIES, host, reason)
        self.log.error("the webhook at %s could not be told: %s", host, reason)

    def _mail(self, receiver: str, run_id: str, sentences: list[str]) -> None:
        try:
            from airflow.providers.smtp.notifications.smtp import SmtpNotifier

            items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
            SmtpNotifier(
                to=receiver,
                subject=f"Emotion Batch Scoring: {len(sentences)} "
                f"limit{'s' if len(sentences) > 1 else ''} crossed",
                html_content=f"<p>{html.escape(run_id)} found:</p><ul>{items}</ul>",
            ).notify({})
        except Exception as error:
            self.log.error("e-mail to %s could not be sent: %s", receiver, error)
