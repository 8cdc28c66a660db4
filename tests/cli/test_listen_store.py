"""The listener with a file: reports are kept before they are acknowledged, and passed on until they are."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from infobip_sms import DeliveryReport, InvalidRequestError, ReportStore
from infobip_sms.cli.listen import _build_writer
from infobip_sms.webhook_forwarder import WebhookForwarder
from infobip_sms.webhook_server import WebhookServer
from tests.cli.runs import run, start
from tests.cli.test_listen import ask, begin
from tests.client.calls import reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infobip_sms import DeliveryReports
    from tests.client.calls import Serve

KILLED = """
import os, signal, sys
from infobip_sms import DeliveryReport, InvalidRequestError, ReportStore
from infobip_sms.webhook_server import WebhookServer

store = ReportStore(sys.argv[1])

def write(reports):
    store.add(reports.results)
    os.kill(os.getpid(), signal.SIGKILL)

server = WebhookServer("127.0.0.1", 0, write, print)
print(server.url, flush=True)
server.run()
"""


def list_ids(path: Path) -> list[str]:
    """Return the messageIds in a file."""
    with ReportStore(path, create=False) as store:
        return list(store.read_message_ids())


@contextmanager
def serving(write: Callable[[DeliveryReports], None]) -> Iterator[WebhookServer]:
    """Run a listener in a thread."""
    with WebhookServer("127.0.0.1", 0, write, print) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_listener_that_is_killed_before_its_response_keeps_each_report_once(
    tmp_path: Path,
) -> None:
    """SIGKILL between the store and the 200: the platform posts again, and nothing is there twice."""
    path = tmp_path / "r.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with pytest.raises(OSError, match=r"closed|reset"):
            ask(url)
    kept = list_ids(path)
    with ReportStore(path) as store, serving(lambda reports: _keep(store, reports)) as server:
        status = ask(server.url).status

    assert process.returncode == -signal.SIGKILL
    assert len(kept) == 2
    assert status == 200
    assert list_ids(path) == kept


def _keep(store: ReportStore, reports: DeliveryReports) -> None:
    store.add(reports.results)


def test_a_report_is_printed_and_kept_once(tmp_path: Path) -> None:
    """The command stores what is posted twice once, and says where it listens."""
    path = tmp_path / "r.sqlite"
    with start("listen", "--port", "0", "--json", "--store", str(path)) as process:
        url = begin(process)
        statuses = [ask(url).status, ask(url).status]
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=20)

    assert statuses == [200, 200]
    assert len(printed.splitlines()) == len(list_ids(path)) == 2


def test_what_cannot_be_kept_is_not_acknowledged(tmp_path: Path) -> None:
    """500, so that the platform posts it again; the reason is on stderr."""
    complaints: list[str] = []
    with ReportStore(tmp_path / "r.sqlite") as store:
        pass  # closed: it cannot be written
    write = _build_writer(store, None, as_json=True)
    with WebhookServer("127.0.0.1", 0, write, complaints.append) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        status = ask(server.url).status
        server.shutdown()
        thread.join()

    assert status == 500
    assert complaints == [
        "reports could not be written: report file r.sqlite: it is damaged; responded with 500"
    ]


def test_stored_reports_are_forwarded_until_they_are_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that fails is repeated on its time, and an acknowledged report is not."""
    received: list[DeliveryReports] = []
    complaints: list[str] = []
    done = threading.Event()

    def write(reports: DeliveryReports) -> None:
        received.append(reports)
        if len(received) == 1:
            raise OSError
        if len(received) == 3:
            done.set()

    monkeypatch.setattr("infobip_sms.send_many.report_store.get_retry_delay", lambda _: _Moment())
    with serving(write) as target, ReportStore(tmp_path / "r.sqlite") as store:
        with WebhookForwarder(f"{target.url}/in?token=x", store, complaints.append) as forwarder:
            keep = _build_writer(store, forwarder, as_json=True)
            with serving(keep) as server:
                assert ask(server.url).status == 200
                assert done.wait(10)
        assert store.find_next_due() is None

    ids = [one.results[0].message_id for one in received]
    assert ids[0] in ids[1:]
    assert len(set(ids)) == 2
    assert complaints == ["forward to 127.0.0.1: HTTP 500 (attempt 1; next in 1 min)"]


class _Moment:
    """No time."""

    def total_seconds(self) -> float:
        return 0.01


def test_a_target_that_is_down_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    """The report stays in the file, due in a minute; a later listener posts it."""
    complaints: list[str] = []
    said = threading.Event()

    def complain(words: str) -> None:
        complaints.append(words)
        said.set()

    with ReportStore(tmp_path / "r.sqlite") as store:
        with WebhookForwarder("http://127.0.0.1:1/", store, complain) as forwarder:
            with serving(_build_writer(store, forwarder, as_json=True)) as server:
                ask(server.url)
            assert said.wait(10)
        due = store.find_next_due()

    assert due is not None
    assert (
        complaints[0]
        == "forward to 127.0.0.1: the connection failed: connection refused (attempt 1; next in 1 min)"
    )


@pytest.mark.parametrize("path", ["/in/", "/in", "/in/?token=x", "/", "/?a=b"])
def test_reports_are_forwarded_to_exactly_the_path_that_was_given(
    path: str, tmp_path: Path, serve: Serve
) -> None:
    """A slash at its end is part of it: many frameworks redirect without it, and a redirect is lost."""
    server = serve("hear", reply(b""))
    with ReportStore(tmp_path / "r.sqlite") as store:
        store.add([DeliveryReport(message_id="m")], due=0)
        with WebhookForwarder(f"{server.url}{path}", store, print):
            while store.find_next_due() is not None:
                time.sleep(0.005)

    assert server.finish()[0].line == f"POST {path} HTTP/1.1"


def test_a_host_that_was_named_gets_reports_over_plain_http(tmp_path: Path) -> None:
    """Loudly; without its name it is rejected."""
    said: list[str] = []
    with ReportStore(tmp_path / "r.sqlite") as store:
        WebhookForwarder("http://inbox:8000/in", store, said.append, ["INBOX"])
        WebhookForwarder("https://inbox/in", store, said.append)
        with pytest.raises(InvalidRequestError):
            WebhookForwarder("http://inbox:8000/in", store, said.append)

    assert said == ["reports go to inbox:8000 over plain http"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--forward", "http://127.0.0.1:1"], "--forward needs --store FILE"),
        (["--store", "r", "--forward", "ftp://x"], "--forward"),
        (["--store", "r", "--forward", "http://example.com/"], "hosts of --trust-http"),
        (["--store", "r", "--forward", "http://x.y/", "--trust-http", "x.z"], "--trust-http"),
        (["--trust-http", "x.z"], "--trust-http is for --forward"),
        (["--store", "none/r"], "report file r: unable to open the file: its folder must exist"),
        (["--store", ":memory:"], "it must be the name of a file"),
    ],
)
def test_wrong_options_are_explained(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything listens."""
    monkeypatch.chdir(tmp_path)
    result = run("listen", "--port", "0", *words)

    assert result.exit_code in {2, 3}
    assert said in " ".join(result.stderr.split())
