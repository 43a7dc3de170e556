"""Telling of failed runs: a real HTTP receiver, a real mail server, and receivers that are dead."""

import asyncore
import http.server
import json
import smtpd
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from hokusai_assets.orchestration import notifications
from hokusai_assets.orchestration.notifications import Notification, Notifier

from .conftest import Deployment
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
    got: list[tuple[str, list[str], str]] = []

    class Server(smtpd.SMTPServer):
        def process_message(self, peer, mailfrom, rcpttos, data, **_):  # type: ignore[no-untyped-def]
            got.append((mailfrom, rcpttos, data.decode()))

    sockets: dict[int, Any] = {}
    server = Server(("127.0.0.1", 0), None, map=sockets)
    going = threading.Event()
    going.set()

    def serve() -> None:
        while going.is_set():
            asyncore.loop(timeout=0.1, count=1, map=sockets)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"127.0.0.1:{server.socket.getsockname()[1]}", got
    going.clear()
    thread.join()
    asyncore.close_all(map=sockets)


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
