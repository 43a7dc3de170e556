"""Telling of failed runs: a real HTTP receiver, a real mail server, and receivers that are dead."""

import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hokusai_assets.orchestration import notifications
from hokusai_assets.orchestration.notifications import Notification, Notifier
from hokusai_assets.settings import Settings

from .conftest import Deployment
from .mail_server import PASSWORD, USER, running_mail_server, write_certificate
from .test_leaderboard_asset import bad_file

pytestmark = pytest.mark.integration
PLANTED = "grace.hopper@example.org"


@pytest.fixture
def web_receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An HTTP server that keeps what is posted to it."""
    got: list[dict[str, Any]] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def mail_server() -> Iterator[tuple[str, list[tuple[str, list[str], str]]]]:
    """An SMTP server that keeps what is mailed to it."""
    with running_mail_server() as server:
        yield server.address, server.mailed


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        yield silent.getsockname()[1]


def fail(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, error: Exception) -> str:
    from hokusai_assets.orchestration import contribution_assets

    def broken(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(contribution_assets, "take_in", broken)
        _, outcome = deployment.run()
    assert outcome.status == "failed"
    return outcome.run_id


def tell(deployment: Deployment, run_id: str) -> None:
    """Evaluate the sensor on a run's failure, as the daemon does."""
    sensor = next(one for one in deployment.definitions.sensors if one.name == "failures")
    instance = deployment.instance
    failure = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.PIPELINE_FAILURE)
    context = dg.build_run_status_sensor_context(
        sensor_name="failures",
        dagster_event=failure.records[0].event_log_entry.dagster_event,
        dagster_instance=instance,
        dagster_run=instance.get_run_by_id(run_id),
    ).for_run_failure()
    sensor(context)


def test_webhook_and_mail_say_what_failed_where_and_how_to_see_it(
    make_deployment: Callable[..., Deployment],
    monkeypatch: pytest.MonkeyPatch,
    web_receiver: Any,
    mail_server: Any,
):
    url, posted = web_receiver
    server, mailed = mail_server
    deployment = make_deployment(
        HOKUSAI_NOTIFY_WEBHOOK=url,
        HOKUSAI_NOTIFY_EMAIL="ops@example.org, data@example.org",
        HOKUSAI_SMTP_SERVER=server,
        HOKUSAI_SMTP_TLS="off",
        HOKUSAI_SMTP_FROM="hokusai@example.org",
        HOKUSAI_DAGSTER_URL="http://dagster.example/",
    )
    run_id = fail(deployment, monkeypatch, OSError(28, "No space left on device"))
    tell(deployment, run_id)
    (told,) = posted
    key = deployment.register().key
    assert (told["kind"], told["benchmark"], told["contribution"]) == ("failed", "generated", key)
    assert told["step"] == "contributed_data"
    assert told["sentence"] == "file error 28: No space left on device"
    assert told["run_url"] == f"http://dagster.example/runs/{run_id}"
    ((sender, receivers, message),) = mailed
    assert sender == "hokusai@example.org"
    assert receivers == ["ops@example.org", "data@example.org"]
    assert f"Subject: Hokusai: {key} of generated failed" in message
    assert "contributed_data: file error 28: No space left on device" in message
    assert told["run_url"] in message


A_FAILURE = Notification(
    kind="failed",
    benchmark="generated",
    contribution="mine-0123",
    step="new_model",
    sentence="it ran out of memory",
    run_id="a-run",
    run_url="",
)


def mailing(server: str, tls: str) -> Notifier:
    notifier = Notifier.of(
        Settings.from_environment(
            {
                "HOKUSAI_NOTIFY_EMAIL": "ops@example.org",
                "HOKUSAI_SMTP_SERVER": server,
                "HOKUSAI_SMTP_TLS": tls,
                "HOKUSAI_SMTP_FROM": "hokusai@example.org",
            }
        )
    )
    assert notifier is not None
    return notifier


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_goes_through_tls_and_a_login(
    tls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    certificate = write_certificate(tmp_path / "server.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("HOKUSAI_SMTP_USER", USER)
    monkeypatch.setenv("HOKUSAI_SMTP_PASSWORD", PASSWORD)
    with running_mail_server(certificate, starttls=tls == "starttls", login=True) as server:
        (delivery,) = mailing(server.address, tls).tell(A_FAILURE)
    assert delivery.failed == ""
    ((_, receivers, message),) = server.mailed
    assert receivers == ["ops@example.org"]
    assert "mine-0123 of generated failed" in message
    assert server.encrypted == [True]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_is_not_sent_to_a_server_whose_certificate_nobody_vouches_for(
    tls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(notifications, "PAUSE_SECONDS", 0.0)
    certificate = write_certificate(tmp_path / "server.pem")
    with running_mail_server(certificate, starttls=tls == "starttls") as server:
        (delivery,) = mailing(server.address, tls).tell(A_FAILURE)
    assert "SSLCertVerificationError" in delivery.failed
    assert server.mailed == []


def test_a_wrong_password_is_a_failed_delivery_and_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(notifications, "PAUSE_SECONDS", 0.0)
    certificate = write_certificate(tmp_path / "server.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("HOKUSAI_SMTP_USER", USER)
    monkeypatch.setenv("HOKUSAI_SMTP_PASSWORD", "a wrong one")
    with running_mail_server(certificate, starttls=True, login=True) as server:
        (delivery,) = mailing(server.address, "starttls").tell(A_FAILURE)
    assert "SMTPAuthenticationError" in delivery.failed
    assert "a wrong one" not in delivery.failed
    assert server.mailed == []


def test_no_value_of_a_row_is_told(
    make_deployment: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch, web_receiver: Any
):
    url, posted = web_receiver
    deployment = make_deployment(HOKUSAI_NOTIFY_WEBHOOK=url)
    tell(deployment, fail(deployment, monkeypatch, ValueError(f"cannot cast {PLANTED}")))
    (told,) = posted
    assert PLANTED not in json.dumps(told)
    assert "ValueError" in told["sentence"]


def test_an_error_that_explains_nothing_is_not_quoted(
    make_deployment: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch, web_receiver: Any
):
    from hokusai_assets.orchestration import settlement_asset

    url, posted = web_receiver
    deployment = make_deployment(HOKUSAI_NOTIFY_WEBHOOK=url)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(PLANTED)

    monkeypatch.setattr(settlement_asset, "settlement_document", broken)
    _, outcome = deployment.run()
    tell(deployment, outcome.run_id)
    (told,) = posted
    assert told["step"] == "settlement"
    assert "nobody foresaw" in told["sentence"]
    assert PLANTED not in json.dumps(told)


@pytest.mark.parametrize("choice", ["on", "off"])
def test_a_rejected_contribution_is_told_only_by_choice(
    make_deployment: Callable[..., Deployment], web_receiver: Any, choice: str
):
    url, posted = web_receiver
    deployment = make_deployment(HOKUSAI_NOTIFY_WEBHOOK=url, HOKUSAI_NOTIFY_REJECTED=choice)
    _, outcome = deployment.run(bad_file(deployment))
    tell(deployment, outcome.run_id)
    assert [told["kind"] for told in posted] == (["rejected"] if choice == "on" else [])


@pytest.mark.parametrize("answer", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000])
def test_a_receiver_that_answers_in_no_http_is_a_failed_delivery(
    monkeypatch: pytest.MonkeyPatch, make_deployment: Callable[..., Deployment], answer: bytes
):
    monkeypatch.setattr(notifications, "PAUSE_SECONDS", 0.0)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(5)

        def serve() -> None:
            for _ in range(notifications.TRIES):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/hook"
        notifier = Notifier.of(make_deployment(HOKUSAI_NOTIFY_WEBHOOK=url).settings)
        (one,) = notifier.tell(Notification("failed", "b", "key", "step", "It broke.", "run", ""))
        thread.join(timeout=10)
    assert one.failed.endswith(f"tried {notifications.TRIES} times")


def test_a_dead_receiver_holds_up_no_other_and_then_rests(
    make_deployment: Callable[..., Deployment],
    monkeypatch: pytest.MonkeyPatch,
    dead_port: int,
    mail_server: Any,
):
    server, mailed = mail_server
    monkeypatch.setattr(notifications, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(notifications, "PAUSE_SECONDS", 0.0)
    deployment = make_deployment(
        HOKUSAI_NOTIFY_WEBHOOK=f"http://127.0.0.1:{dead_port}/secret-path",
        HOKUSAI_NOTIFY_EMAIL="ops@example.org",
        HOKUSAI_SMTP_SERVER=server,
        HOKUSAI_SMTP_TLS="off",
    )
    notifier = Notifier.of(deployment.settings)
    told = Notification("failed", "generated", "key", "settlement", "It broke.", "run", "")
    first, second = notifier.tell(told), notifier.tell(told)
    assert [one.receiver for one in first] == ["webhook", "e-mail"]
    assert first[0].failed == f"TimeoutError, tried {notifications.TRIES} times"
    assert "secret-path" not in str(first)
    assert "left alone for a while" in second[0].failed
    assert [one.failed for one in (first[1], second[1])] == ["", ""]
    assert len(mailed) == 2


def test_the_daemon_s_own_evaluation_reaches_the_receiver(
    make_deployment: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch, web_receiver: Any
):
    url, posted = web_receiver
    deployment = make_deployment(HOKUSAI_NOTIFY_WEBHOOK=url)
    sensor = next(one for one in deployment.definitions.sensors if one.name == "failures")
    repository = deployment.definitions.get_repository_def()
    with dg.build_sensor_context(
        instance=deployment.instance, repository_def=repository
    ) as context:
        first = sensor.evaluate_tick(context)
    run_id = fail(deployment, monkeypatch, OSError(28, "No space left on device"))
    with dg.build_sensor_context(
        instance=deployment.instance, repository_def=repository, cursor=first.cursor
    ) as context:
        sensor.evaluate_tick(context)
    assert [told["run_id"] for told in posted] == [run_id]
