"""The listener: 200 only after the reports are written, sensible answers to anything else."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import resource
import signal
import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms.webhook_server import MAX_BODY, MAX_CONNECTIONS, WebhookServer
from tests.cli.runs import NUMBER, run, start
from tests.client.calls import TYPES, both, chunked, example

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from infobip_sms import DeliveryReports
    from infobip_sms.codecs import Wire

REPORTS = example("delivery-reports")
JSON = {"Content-Type": "application/json"}
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


class Log:
    """What a listener wrote and complained about."""

    def __init__(self) -> None:
        self.written: list[DeliveryReports] = []
        self.complaints: list[str] = []


@contextmanager
def listening(log: Log, *, path: str | None = None) -> Iterator[WebhookServer]:
    """Run a listener in a thread."""
    with WebhookServer(
        "127.0.0.1", 0, log.written.append, log.complaints.append, path=path
    ) as listener:
        thread = threading.Thread(target=listener.run)
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()


def connect(url: str) -> http.client.HTTPConnection:
    """Return a connection to a listener."""
    return http.client.HTTPConnection(url.removeprefix("http://").strip("/"), timeout=10)


def ask(
    url: str, method: str = "POST", path: str = "/", body: bytes | None = REPORTS, **headers: str
) -> http.client.HTTPResponse:
    """Make one request of a connection of its own."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = connect(url)
    connection.request(method, path, body, {**JSON, **named})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def test_a_response_leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections do not collect small writes (TCP_NODELAY): a response never waits for an acknowledgement."""
    found: list[int] = []
    opening = asyncio.open_connection

    def note(*, sock: socket.socket) -> Any:
        found.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        return opening(sock=sock)

    monkeypatch.setattr(asyncio, "open_connection", note)
    with listening(Log()) as listener:
        assert ask(listener.url).status == 200

    assert found == [1]


def say(url: str, text: bytes) -> bytes:
    """Send bytes as they are; return all that comes back."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 10) as guest:
        guest.sendall(text)
        guest.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: guest.recv(65536), b""))


@both
def test_reports_are_written_and_answered(wire: Wire) -> None:
    """DLR: a body in either format is written once, and answered with 200 and nothing else."""
    log = Log()
    with listening(log) as listener:
        response = ask(
            listener.url, body=example("delivery-reports", wire), Content_Type=TYPES[wire]
        )

    assert response.status == 200
    assert response.getheader("Content-Length") == "0"
    assert [len(reports.results) for reports in log.written] == [2]
    assert log.complaints == []


def test_the_answer_waits_until_the_reports_are_written() -> None:
    """No byte of an answer comes while writing is under way."""
    begun, free = threading.Event(), threading.Event()
    answers: list[int] = []

    def write(_: DeliveryReports) -> None:
        begun.set()
        assert free.wait(10)
        answers.append(0)

    with WebhookServer("127.0.0.1", 0, write, print) as listener:
        thread = threading.Thread(target=listener.run)
        thread.start()
        asker = threading.Thread(target=lambda: answers.append(ask(listener.url).status))
        asker.start()
        assert begun.wait(10)
        asker.join(0.2)
        still_waiting = asker.is_alive()
        free.set()
        asker.join()
        listener.shutdown()
        thread.join()

    assert still_waiting
    assert answers == [0, 200]


def test_bodies_are_written_one_after_another() -> None:
    """Many connections at once never write into each other, and all of them are answered."""
    inside, most, statuses = [0], [0], []

    def write(_: DeliveryReports) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        inside[0] -= 1

    with WebhookServer("127.0.0.1", 0, write, print) as listener:
        thread = threading.Thread(target=listener.run)
        thread.start()
        askers = [
            threading.Thread(target=lambda: statuses.append(ask(listener.url).status))
            for _ in range(20)
        ]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        listener.shutdown()
        thread.join()

    assert statuses == [200] * 20
    assert most == [1]


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"body": b"{}"}, 400),
        ({"body": b"hello 41793026727"}, 400),
        ({"body": b"<a/>", "Content_Type": "application/xml"}, 400),
        ({"method": "GET", "body": None}, 405),
        ({"method": "HEAD", "body": None}, 405),
        ({"method": "PUT"}, 405),
        ({"method": "DELETE", "body": None}, 405),
        ({"method": "FROB"}, 405),
        ({"path": "/other"}, 404),
        ({"path": "/reports/"}, 404),
        ({"Content_Length": str(MAX_BODY + 1)}, 413),
        ({"Content_Length": "9" * 30}, 400),
        ({"Content_Length": "-1"}, 400),
        ({"Content_Length": "1_0"}, 400),
    ],
    ids=lambda value: "" if isinstance(value, int) else str(value),
)
def test_what_is_no_report_is_refused_and_not_shown(options: dict[str, str], status: int) -> None:
    """Each kind of wrong request has its own status; nothing is written, nothing of it is repeated."""
    log = Log()
    with listening(log, path="/reports") as listener:
        response = ask(listener.url, **{"path": "/reports", **options})  # type: ignore[arg-type]  # as given

    assert response.status == status
    assert response.getheader("Server") == "infobip-sms"
    assert response.getheader("Allow") == ("POST" if status == 405 else None)
    assert log.written == []
    assert "41793026727" not in "".join(log.complaints)
    assert len(log.complaints) == (0 if status == 405 else 1)


def test_dlr_001_an_unreadable_report_is_acknowledged_and_named() -> None:
    """The readable reports are written; the path of the other is shown, but no value of it."""
    body = (
        b'{"results":[{"messageId":"a"},{"to":"41793026727","doneAt":"41793026727"},'
        b'{"messageId":"c"}]}'
    )
    log = Log()
    with listening(log) as listener:
        status = ask(listener.url, body=body).status

    assert status == 200
    assert [report.message_id for report in log.written[0].results] == ["a", "c"]
    (complaint,) = log.complaints
    assert "results[1].doneAt: expected a date and time" in complaint
    assert "41793026727" not in complaint


def test_a_query_does_not_change_the_path() -> None:
    """A notify URL with a query of its own is the same path."""
    log = Log()
    with listening(log, path="/reports") as listener:
        assert ask(listener.url, path="/reports?token=secret").status == 200


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\n{", b"400"),
        (CHUNKED + b"xyz\r\n", b"400"),
        (CHUNKED + b"ffffffff\r\n" + b"x" * (MAX_BODY + 1), b"413"),
        (CHUNKED + b"5\r\n{", b"400"),
        (b"\x16 \x03 \x01 41793026727\r\n\r\n", b"400"),
        (b"41793026727\r\n\r\n", b"400"),
    ],
)
def test_broken_http_is_refused(text: bytes, status: bytes) -> None:
    """A body without a length, one that breaks off, and bytes that are no HTTP are no reports."""
    log = Log()
    with listening(log) as listener:
        answer = say(listener.url, text)

    assert answer.split()[1] == status
    assert b"41793026727" not in answer
    assert log.written == []


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (POST + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", b"400"),
        (POST + b"Content-Length: %d\r\nContent-Length: 7\r\n\r\n", b"400"),
        (POST + b"Content-Length: %d, 7\r\n\r\n", b"400"),
        (POST + b"Content-Length: +%d\r\n\r\n", b"400"),
        (POST + b"Transfer-Encoding: notchunked\r\nX: %d\r\n\r\n", b"400"),
        (POST + b"Transfer-Encoding: gzip, chunked\r\nX: %d\r\n\r\n", b"400"),
        (CHUNKED + b"0x%x\r\n", b"400"),
        (CHUNKED + b"+%x\r\n", b"400"),
        (CHUNKED + b" %x\r\n", b"400"),
        (POST + b"Origin: http://x.example\r\nContent-Length: %d\r\n\r\n", b"403"),
    ],
)
def test_a_body_whose_length_is_in_doubt_is_refused_and_ends_the_connection(
    text: bytes, status: bytes
) -> None:
    """Two lengths, unknown codings and odd chunk sizes: nothing behind them is a second request."""
    log = Log()
    with listening(log) as listener:
        answer = say(listener.url, text % len(REPORTS) + REPORTS + b"\r\n0\r\n\r\n" + POST)

    assert answer.split()[1] == status
    assert answer.count(b"HTTP/1.1") == 1
    assert b"connection: close" in answer.lower()
    assert log.written == []
    assert len(log.complaints) == 1


def test_headers_and_trailers_without_end_are_cut_off() -> None:
    """Neither is kept longer than it may be."""
    lines = b"X: y\r\n" * 20_000
    log = Log()
    with listening(log) as listener:
        answers = [say(listener.url, text + lines) for text in (POST, CHUNKED + b"0\r\n")]

    assert [answer.split()[1] for answer in answers] == [b"431", b"431"]


@pytest.mark.parametrize("text", [b"POST", POST, CHUNKED, CHUNKED + b"0\r\n", CHUNKED + b"fff\r\n"])
def test_a_slow_request_has_one_deadline(text: bytes) -> None:
    """A byte now and then does not make it longer."""
    log = Log()
    with listening(log) as listener:
        listener.deadline = 0.1
        host, _, port = listener.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), 10) as guest, suppress(OSError):
            guest.settimeout(0.02)
            guest.sendall(text)
            answer = b""
            for _ in range(500):
                guest.sendall(b"a")
                with suppress(TimeoutError):
                    if answer := guest.recv(4096):
                        break

    assert answer.split()[1] == b"408"
    assert log.complaints == [
        "a request that was not complete after 0.1 seconds; responded with 408"
    ]


def test_idle_connections_are_bounded_and_keep_nobody_out() -> None:
    """The one that has been idle longest gives way; there is no thread for each."""
    log = Log()
    with listening(log) as listener, ExitStack() as guests:
        host, _, port = listener.url.removeprefix("http://").partition(":")
        threads = threading.active_count()
        first, *_ = [
            guests.enter_context(socket.create_connection((host, int(port)), 10))
            for _ in range(MAX_CONNECTIONS + 20)
        ]
        status = ask(listener.url).status
        closed = first.recv(1)
        most = threading.active_count() - threads

    assert status == 200
    assert closed == b""
    assert most <= 1  # it writes the reports
    assert log.complaints == []


def test_without_a_free_descriptor_it_goes_on_with_fewer_connections() -> None:
    """Connections that are idle give way one by one; a complaint for each, not thousands."""
    with start("listen", "--port", "0", "--json") as process, ExitStack() as guests:
        url = begin(process)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (16, 16))
        host, _, port = url.removeprefix("http://").strip("/").partition(":")
        for _ in range(12):
            guests.enter_context(socket.create_connection((host, int(port)), 10))
        status = ask(url).status
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)

    assert status == 200
    assert 1 <= said.count(b"no connection can be accepted: Too many open files") <= 12


def test_what_is_wrong_with_a_body_is_said_without_its_content() -> None:
    """The first violations are named by their paths, and how many more there are."""
    log = Log()
    bodies = [
        b'{"results": [{"to": "41793026727", "status": 5}]}',
        json.dumps({"results": [{"sentAt": "41793026727"}] * 9}).encode(),
        b"\x1f\x8b41793026727",
    ]
    with listening(log) as listener:
        for body in bodies:
            ask(listener.url, body=body)

    assert "results[0].status" in log.complaints[0]
    assert "results[0].sentAt" in log.complaints[1]
    assert "and 6 more" in log.complaints[1]
    assert "41793026727" not in "".join(log.complaints)


def test_a_body_in_tens_of_thousands_of_chunks_is_rejected() -> None:
    """Each chunk takes time, however small it is; 4 MiB of single bytes would take minutes."""
    log = Log()
    with listening(log) as listener:
        answer = say(listener.url, CHUNKED + chunked(b" " * 10_001, 1))

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert log.complaints == ["a body in more than 10000 chunks; responded with 413"]


def test_a_body_in_chunks_is_read() -> None:
    """A body without a declared length may come in chunks; two bodies may share a connection."""
    log = Log()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with listening(log) as listener:
        answer = say(listener.url, (head + chunked(REPORTS)) * 2)

    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert len(log.written) == 2


@pytest.mark.parametrize(
    "head", [b"POST / HTTP/1.0\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"]
)
def test_a_client_that_wants_the_connection_closed_is_not_kept_waiting(head: bytes) -> None:
    """What speaks HTTP/1.0, or asks for it, takes the end of the connection for that of the answer."""
    log = Log()
    with listening(log) as listener:
        host, _, port = listener.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), 10) as guest:
            guest.sendall(head + b"Content-Length: %d\r\n\r\n%b" % (len(REPORTS), REPORTS))
            answer = b"".join(iter(lambda: guest.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert len(log.written) == 1


def test_a_connection_is_used_again() -> None:
    """Report after report goes over one connection, a rejected one in between."""
    log = Log()
    statuses = []
    with listening(log) as listener:
        connection = connect(listener.url)
        for body in (REPORTS, b"garbage", REPORTS):
            connection.request("POST", "/", body, JSON)
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        connection.close()

    assert statuses == [200, 400, 200]
    assert len(log.written) == 2


def test_what_cannot_be_written_is_answered_with_500() -> None:
    """The platform posts again what could not be kept; the next report is taken as usual."""
    log = Log()
    failures = [OSError("disk full of 41793026727")]

    def write(reports: DeliveryReports) -> None:
        if failures:
            raise failures.pop()
        log.written.append(reports)

    with WebhookServer("127.0.0.1", 0, write, log.complaints.append) as listener:
        thread = threading.Thread(target=listener.run)
        thread.start()
        statuses = [ask(listener.url).status for _ in range(2)]
        listener.shutdown()
        thread.join()

    assert statuses == [500, 200]
    assert log.complaints == ["reports could not be written: OSError; responded with 500"]


def begin(process: subprocess.Popen[bytes]) -> str:
    """Return the URL that a listener of a process announces."""
    assert process.stderr is not None
    return process.stderr.readline().decode().partition("listen: ")[2].strip()


@both
def test_the_command_prints_a_line_of_json_for_each_report(wire: Wire) -> None:
    """--json: each report is a line with the wire's names, there to be read when 200 has come."""
    with start("listen", "--port", "0", "--json") as process:
        assert process.stdout is not None
        response = ask(
            begin(process), body=example("delivery-reports", wire), Content_Type=TYPES[wire]
        )
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)

    assert response.status == 200
    assert lines == json.loads(REPORTS)["results"]
    assert process.returncode == 0
    assert said == b"listen: stopped\n"


def test_the_command_prints_a_row_for_people() -> None:
    """Without --json each report is a line that can be read at once."""
    with start("listen", "--port", "0", "--path", "/r") as process:
        assert process.stdout is not None
        url = begin(process)
        assert ask(url.removesuffix("/r"), path="/r").status == 200
        line = process.stdout.readline().decode()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)

    assert url.endswith("/r")
    assert line.split()[2:4] == [NUMBER, "DELIVERED_TO_HANDSET"]
    assert process.returncode == 0


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """Once 200 has come the reports are in the file, whatever happens to the process."""
    with start("listen", "--port", "0", "--json", stdout=tmp_path / "reports") as process:
        assert ask(begin(process)).status == 200
        process.kill()

    lines = (tmp_path / "reports").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == json.loads(REPORTS)["results"]


def test_garbage_is_said_on_standard_error_without_its_content() -> None:
    """A line tells that something came and was rejected, and nothing of what it was."""
    with start("listen", "--port", "0") as process:
        assert ask(begin(process), body=b"call 41793026727").status == 400
        process.send_signal(signal.SIGTERM)
        printed, said = process.communicate(timeout=20)

    assert printed == b""
    assert b"16 bytes that are not delivery reports" in said
    assert b"4179302" not in said


def test_a_reader_that_went_away_gets_no_200() -> None:
    """``listen | head`` answers 500 when nobody reads any more, and ends with 141."""
    with start("listen", "--port", "0") as process:
        assert process.stdout is not None
        url = begin(process)
        process.stdout.close()
        status = ask(url).status
        process.wait(20)

    assert status == 500
    assert process.returncode == 141


def test_a_full_disk_gets_no_200() -> None:
    """What does not fit onto the device was not written."""
    with start("listen", "--port", "0", stdout=os.open("/dev/full", os.O_WRONLY)) as process:
        status = ask(begin(process)).status
        process.kill()

    assert status == 500


def test_a_port_that_is_taken_is_said() -> None:
    """A second listener on the same port ends with 2 and the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with start("listen", "--port", port) as process:
            _, said = process.communicate(timeout=20)

    assert process.returncode == 2
    assert f"Error: Cannot listen: port {port} is already in use. Choose another".encode() in said


@pytest.mark.parametrize("host", ["192.0.2.1", "name.invalid", "a" * 64])
def test_an_address_of_another_machine_is_named(host: str) -> None:
    """An address that this machine does not have is named, with those to use instead."""
    result = run("listen", "--host", host, "--port", "0")

    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: Cannot listen: {host} is not an address of this machine."
        " Use 127.0.0.1, or 0.0.0.0 for all of them.\n"
    )


def test_ipv6_is_listened_on() -> None:
    """A host with colons is an address of IP version 6."""
    log = Log()
    with WebhookServer("::1", 0, log.written.append, log.complaints.append) as listener:
        assert listener.url.startswith("http://[::1]:")
