"""Receivers that are right: our own, and those that users may copy, have no finding."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from infobip_sms_conformance.receiver_run.connection import parse_address
from infobip_sms_conformance.receiver_run.plan import ReceiverPlan
from infobip_sms_conformance.receiver_run.result import build_result, list_broken
from infobip_sms_conformance.receiver_run.runner import run_receiver_checks
from werkzeug.serving import WSGIRequestHandler, make_server

from infobip_sms.webhook_server import WebhookServer
from tests.docs.receivers import fastapi_receiver, flask_receiver


class QuietHandler(WSGIRequestHandler):
    """Prints no line for each request."""

    def log_request(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def run_own() -> Iterator[str]:
    """Run the server of the command listen."""
    server = WebhookServer("127.0.0.1", 0, lambda _: None, lambda _: None)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def run_flask() -> Iterator[str]:
    """Run the Flask receiver as werkzeug serves it."""
    server = make_server(
        "127.0.0.1", 0, flask_receiver.app, threaded=True, request_handler=QuietHandler
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def run_fastapi() -> Iterator[str]:
    """Run the FastAPI receiver as uvicorn serves it."""
    config = uvicorn.Config(
        fastapi_receiver.app, port=0, log_level="critical", lifespan="off", access_log=False
    )
    server = uvicorn.Server(config)
    sock = config.bind_socket()
    sock.listen(128)
    thread = threading.Thread(target=server.run, args=([sock],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        sock.close()


@pytest.mark.parametrize("run", [run_own, run_flask, run_fastapi])
def test_correct_receiver_has_no_finding(
    run: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every requirement that responses can show passes in both formats."""
    monkeypatch.chdir(tmp_path)
    assert callable(run)
    with run() as url:
        result = build_result(run_receiver_checks(ReceiverPlan(parse_address(f"{url}/reports"))))

    assert list_broken(result.findings) == []
    assert {str(f.verdict) for f in result.findings} == {"PASS"}
    assert result.exit_code == 0
