"""Telling people of a run that failed: by webhook and e-mail, briefly, and never with a value.

A receiver that does not answer costs a few seconds, holds up no other, and then rests a while, so
that a night of failures is not spent waiting for it.
"""

import http.client
import json
import os
import smtplib
import ssl
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from typing import Literal

from hokusai_assets.settings import Settings

TIMEOUT_SECONDS = 5.0
TRIES = 2
PAUSE_SECONDS = 1.0
REST_SECONDS = 300.0


@dataclass(frozen=True)
class Notification:
    """What is told.

    Attributes:
        kind: ``failed`` by a fault, or ``rejected`` by a rule.
        benchmark, contribution: whose run; contribution is empty for a run of the benchmark.
        step: the asset that failed, empty where the run never got to one.
        sentence: what failed; never a value of a row.
        run_id: Dagster's; run_url: where it is seen, empty where no address is known.
    """

    kind: Literal["failed", "rejected"]
    benchmark: str
    contribution: str
    step: str
    sentence: str
    run_id: str
    run_url: str

    @property
    def subject(self) -> str:
        """What happened to what, on one line."""
        what = self.contribution or "a run"
        return " ".join(
            f"Hokusai: {what} of {self.benchmark or 'no benchmark'} {self.kind}".split()
        )

    @property
    def text(self) -> str:
        """All of it as people read it."""
        lines = [self.subject, ""]
        lines += [f"{self.step}: {self.sentence}" if self.step else self.sentence, ""]
        lines.append(self.run_url or f"Dagster run {self.run_id}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Delivery:
    """What came of telling one receiver: ``webhook`` or ``e-mail``, and why not, if not."""

    receiver: str
    failed: str = ""


class Notifier:
    """Tells every receiver that is set; see the settings for how."""

    def __init__(
        self,
        receivers: dict[str, Callable[[Notification], None]],
        *,
        rejected_too: bool,
        dagster_url: str,
    ) -> None:
        """Take what sends to each receiver, by its name."""
        self._receivers = receivers
        self._resting_until: dict[str, float] = {}
        self.rejected_too = rejected_too
        self.dagster_url = dagster_url

    @classmethod
    def of(cls, settings: Settings) -> "Notifier | None":
        """Return what tells the receivers of a deployment; None where there are none."""
        receivers: dict[str, Callable[[Notification], None]] = {}
        if settings.notify_webhook:
            receivers["webhook"] = lambda told: post(settings.notify_webhook, told)
        if settings.notify_email:
            receivers["e-mail"] = lambda told: mail(settings, told)
        if not receivers:
            return None
        return cls(
            receivers, rejected_too=settings.notify_rejected, dagster_url=settings.dagster_url
        )

    def tell(self, told: Notification) -> list[Delivery]:
        """Tell all receivers, each on its own; raises nothing."""
        return [self._deliver(name, send, told) for name, send in self._receivers.items()]

    def _deliver(
        self, name: str, send: Callable[[Notification], None], told: Notification
    ) -> Delivery:
        if time.monotonic() < self._resting_until.get(name, 0.0):
            return Delivery(name, "it did not answer a moment ago and is left alone for a while")
        why = ""
        for number in range(TRIES):
            if number:
                time.sleep(PAUSE_SECONDS)
            try:
                send(told)
                return Delivery(name)
            except (OSError, http.client.HTTPException, smtplib.SMTPException, ValueError) as error:
                # The class alone: a message may quote the address, which may be a password.
                why = type(error).__name__
        self._resting_until[name] = time.monotonic() + REST_SECONDS
        return Delivery(name, f"{why}, tried {TRIES} times")


def post(url: str, told: Notification) -> None:
    """Post a notification as JSON, with a ``text`` that chat services show.

    Raises:
        OSError: nobody answers, or with an error status.
    """
    body = json.dumps({"text": told.text, **asdict(told)}).encode()
    request = urllib.request.Request(
        url, data=body, headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):
        pass


def mail(settings: Settings, told: Notification) -> None:
    """Mail a notification; the login is read from the environment where it is used.

    Raises:
        OSError, SMTPException: the server can't be reached, or does not take it.
    """
    message = EmailMessage()
    message["Subject"] = told.subject
    message["From"] = settings.smtp_from
    message["To"] = ", ".join(settings.notify_email)
    message.set_content(told.text)
    host, _, port = settings.smtp_server.rpartition(":")
    secure = ssl.create_default_context()
    if settings.smtp_tls == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, int(port), timeout=TIMEOUT_SECONDS, context=secure
        )
    else:
        server = smtplib.SMTP(host, int(port), timeout=TIMEOUT_SECONDS)
    with server:
        if settings.smtp_tls == "starttls":
            server.starttls(context=secure)
        if user := os.environ.get("HOKUSAI_SMTP_USER"):
            server.login(user, os.environ.get("HOKUSAI_SMTP_PASSWORD", ""))
        server.send_message(message)
