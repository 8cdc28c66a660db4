"""The client against servers that play scripts: what goes over the wire, and what comes of it."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import pickle
import shutil
import socket
import ssl
import subprocess
import threading
import time
import traceback
import tracemalloc
import xml.etree.ElementTree as ET
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import urllib3
from scripted_server import Request, Server

from infobip_sms import (
    ApiKey,
    BadReply,
    Basic,
    Bearer,
    Client,
    Destination,
    Error,
    IbssoToken,
    Message,
    NoAnswer,
    Rejected,
    RequestRefused,
    SmsRequest,
    SmsResponse,
    Violation,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripted_server import Step

    from infobip_sms import Auth

    Serve = Callable[..., Server]

Failure = TypeVar("Failure", bound=Error)
EXAMPLES = Path(__file__).parents[1] / "schema" / "examples"
SEND = "POST /sms/2/text/advanced HTTP/1.1"
AUTH = ApiKey("003026bbc133714df1834b8638bb496e-8f4b3d9a")
SOON = 0.3  # seconds: a timeout that is meant to run out
NEVER = 20.0  # seconds: a timeout that is not
MEBIBYTE = 2**20
PHONE, TEXT = "41793026727", "Your table is ready."
TYPES = {"json": "application/json", "xml": "application/xml"}
CHUNKS = "Transfer-Encoding: chunked"
both = pytest.mark.parametrize("wire", ["json", "xml"])


def ask(phone: str = PHONE) -> SmsRequest:
    """Return the request of schema/examples/minimal-request."""
    message = Message(from_="InfoSMS", destinations=[Destination(to=phone)], text=TEXT)
    return SmsRequest(messages=[message])


def example(stem: str, wire: str = "json") -> bytes:
    """Return the bytes of a document in schema/examples."""
    return (EXAMPLES / f"{stem}.{wire}").read_bytes()


def reply(body: bytes, status: int = 200, kind: str = "application/json", *more: str) -> bytes:
    """Return the bytes of a whole reply."""
    length = () if CHUNKS in more else (f"Content-Length: {len(body)}",)
    head = (f"HTTP/1.1 {status} Word", f"Content-Type: {kind}", *length, *more, "", "")
    return "\r\n".join(head).encode() + body


def chunked(body: bytes, size: int = 50) -> bytes:
    """Return a body in chunks."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def entry(**changes: Any) -> dict[str, Any]:
    """Return one entry of an answer as plain data; a value of None leaves a member out."""
    status = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}
    plain = {"to": PHONE, "status": status, "messageId": "2033912860760522207", **changes}
    return {name: value for name, value in plain.items() if value is not None}


def write(plain: dict[str, Any], wire: str) -> bytes:
    """Return plain data in a wire format; in XML each list wraps elements named message."""
    if wire == "json":
        return json.dumps(plain).encode()

    def grow(name: str, value: Any) -> str:
        if isinstance(value, dict):
            value = "".join(grow(key, part) for key, part in value.items())
        elif isinstance(value, list):
            value = "".join(grow("message", part) for part in value)
        return f"<{name}>{value}</{name}>"

    return grow("smsResponse", plain).encode()


GOOD = {wire: example("documented-response", wire) for wire in TYPES}
OK_IN = {wire: reply(body, 200, TYPES[wire]) for wire, body in GOOD.items()}
OK = OK_IN["json"]


@pytest.fixture(name="serve")
def fixture_serve() -> Iterator[Serve]:
    """Start servers that play a script; all of them have ended after the test."""
    with ExitStack() as servers:

        def start(*script: Step, tls: ssl.SSLContext | None = None) -> Server:
            return servers.enter_context(Server(*script, tls=tls))

        yield start


def send(server: Server, **options: Any) -> SmsResponse:
    """Send one request by a client of its own and return the answer."""
    with Client(server.url, **{"auth": AUTH, "timeout": NEVER, **options}) as client:
        return client.send(ask())


def fail(kind: type[Failure], server: Server, **options: Any) -> Failure:
    """Send one request by a client of its own and return the error, which is of this very kind."""
    with pytest.raises(kind) as caught:
        send(server, **options)
    assert type(caught.value) is kind
    return caught.value


# ---------------------------------------------------------------- what goes over the wire


@both
def test_http_004_a_send_is_one_post_with_its_format_in_the_headers(
    serve: Serve, wire: str
) -> None:
    """One send is one POST whose headers, each sent once, name the format and the program."""
    server = serve("hear", OK_IN[wire])
    send(server, wire=wire)
    (request,) = server.finish()
    assert request.line == SEND
    assert sorted(request.headers) == sorted(
        {
            "host": server.url.removeprefix("http://"),
            "accept": TYPES[wire],
            "accept-encoding": "identity",
            "authorization": f"App {AUTH.key}",
            "content-length": str(len(request.body)),
            "content-type": TYPES[wire],
            "user-agent": f"infobip-sms/{version('infobip-sms')}",
        }.items()
    )


def test_send_026_the_json_body_is_the_example(serve: Serve) -> None:
    """The body of a JSON send says what the example says, and not a byte more than it needs."""
    server = serve("hear", OK)
    send(server)
    (request,) = server.finish()
    assert json.loads(request.body) == json.loads(example("minimal-request"))
    assert request.body == (
        b'{"messages":[{"from":"InfoSMS","destinations":[{"to":"41793026727"}],'
        b'"text":"Your table is ready."}]}'
    )


def test_xml_001_the_xml_body_is_the_example(serve: Serve) -> None:
    """The body of an XML send is a UTF-8 document that says what the example says."""
    server = serve("hear", OK_IN["xml"])
    send(server, wire="xml")
    (request,) = server.finish()
    assert request.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert ET.canonicalize(request.body.decode(), strip_text=True) == ET.canonicalize(
        example("minimal-request", "xml").decode(), strip_text=True
    )


class Custom:
    """Somebody else's authorization."""

    def header(self) -> str:
        """Return the header's value."""
        return "Custom 1234"


@pytest.mark.parametrize(
    ("auth", "value"),
    [
        pytest.param(
            Basic("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", id="AUTH-003"
        ),
        pytest.param(
            Basic("Aladdin", "öffne: dich\n"),
            "Basic " + base64.b64encode("Aladdin:öffne: dich\n".encode()).decode(),
            id="AUTH-003-any-password",
        ),
        pytest.param(ApiKey("k-1.2_3"), "App k-1.2_3", id="AUTH-004"),
        pytest.param(IbssoToken("t/1+2="), "IBSSO t/1+2=", id="AUTH-006"),
        pytest.param(Bearer("a.b.c~"), "Bearer a.b.c~", id="bearer"),
        pytest.param(Custom(), "Custom 1234", id="custom"),
    ],
)
def test_authorization_has_the_form_of_its_scheme(serve: Serve, auth: Auth, value: str) -> None:
    """Each kind of credentials arrives under the name of its own scheme."""
    server = serve("hear", OK)
    send(server, auth=auth)
    assert server.finish()[0].find("authorization") == value


@pytest.mark.parametrize(("of_client", "of_call"), [("json", "xml"), ("xml", "json")])
def test_http_008_the_format_of_a_call_goes_before_that_of_the_client(
    serve: Serve, of_client: Any, of_call: Any
) -> None:
    """A format given to one call holds for this call only."""
    server = serve("hear", OK_IN[of_call], "hear", OK_IN[of_client])
    with Client(server.url, auth=AUTH, wire=of_client) as client:
        answers = [client.send(ask(), wire=of_call), client.send(ask())]
    assert answers[0] == answers[1]
    kinds = [(r.find("content-type"), r.find("accept")) for r in server.finish()]
    assert kinds == [(TYPES[of_call],) * 2, (TYPES[of_client],) * 2]


@pytest.mark.parametrize("prefix", ["", "/", "/gateway", "/gateway/", "/a/b//"])
def test_the_path_of_the_base_url_is_kept(serve: Serve, prefix: str) -> None:
    """A base URL with a path, with or without a last slash, puts that path before the operation."""
    server = serve("hear", OK)
    with Client(server.url + prefix, auth=AUTH) as client:
        client.send(ask())
    wanted = f"POST {prefix.rstrip('/')}/sms/2/text/advanced HTTP/1.1"
    assert [request.line for request in server.finish()] == [wanted]


def test_sends_after_each_other_share_a_connection(serve: Serve) -> None:
    """Five sends, refused ones among them, go over one connection, which does not delay them."""
    unauthorized = reply(example("unauthorized-error"), 401)
    server = serve("hear", OK, "hear", unauthorized, "hear", OK, "hear", OK, "hear", OK)
    with Client(server.url, auth=AUTH) as client:
        client.send(ask())
        with pytest.raises(Rejected):
            client.send(ask())
        for _ in range(3):
            client.send(ask())
        connection: Any = client._pool._get_conn()
        with closing(connection):
            assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert len(server.finish()) == 5
    assert server.connections == 1


def test_a_connection_that_was_closed_while_idle_is_replaced(serve: Serve) -> None:
    """A send after the server hung up makes a new connection and is sent once."""
    server = serve("hear", OK, "close")
    with Client(server.url, auth=AUTH) as client:
        client.send(ask())
        server.settle()
        client.send(ask())
    assert [request.connection for request in server.finish()] == [0, 1]


def test_eight_threads_get_their_own_answers(serve: Serve) -> None:
    """Of eight threads that send at the same time, each gets the answer to its own request."""
    all_there = threading.Barrier(8)

    def answer(request: Request) -> bytes:
        all_there.wait(NEVER)
        to = json.loads(request.body)["messages"][0]["destinations"][0]["to"]
        return reply(write({"messages": [entry(to=to)]}, "json"))

    server = serve("hear", answer)
    phones = [str(41793026000 + number) for number in range(8)]
    with (
        Client(server.url, auth=AUTH, timeout=NEVER) as client,
        ThreadPoolExecutor(len(phones)) as threads,
    ):
        for _ in range(3):
            answers = threads.map(lambda phone: client.send(ask(phone)).messages[0].to, phones)
            assert list(answers) == phones
    assert len(server.finish()) == 24
    assert server.connections == 8


# ---------------------------------------------------------------- no answer


def test_a_refused_connection_sent_nothing() -> None:
    """Where nobody listens the request is certainly unsent."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with Client(url, auth=AUTH, timeout=NEVER) as client, pytest.raises(NoAnswer) as caught:
            client.send(ask())
    assert caught.value.sent == "no"
    assert str(caught.value) == "no answer: no connection could be made; request sent: no"


def test_a_connection_that_takes_too_long_sent_nothing() -> None:
    """Where a full queue lets nobody in the request is certainly unsent."""
    with ExitStack() as sockets:
        full = sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(8):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        timeout = urllib3.Timeout(connect=SOON, read=NEVER)
        with Client(url, auth=AUTH, timeout=timeout) as client, pytest.raises(NoAnswer) as caught:
            client.send(ask())
    assert caught.value.sent == "no"


def split(whole: bytes) -> bytes:
    """Return the first part of a reply, cut in the middle of its body."""
    return whole[: len(whole) // 2]


BREAKS: dict[str, tuple[int, tuple[Step, ...]]] = {
    "reset-before-reading": (0, ("await", "reset")),
    "reset-after-reading": (1, ("hear", "reset")),
    "hung-up-after-reading": (1, ("hear", "close")),
    "half-a-status-line": (1, ("hear", b"HTTP/1.1 2", "close")),
    "half-the-headers": (1, ("hear", OK[:30], "reset")),
    "half-the-body": (1, ("hear", split(OK), "close")),
    "half-the-body-and-reset": (1, ("hear", split(OK), "reset")),
    "no-body": (1, ("hear", OK.partition(b"{")[0], "close")),
    "half-the-chunks": (
        1,
        (
            "hear",
            split(reply(chunked(GOOD["json"]), 200, TYPES["json"], CHUNKS)),
            "close",
        ),
    ),
    "no-last-chunk": (
        1,
        (
            "hear",
            reply(chunked(GOOD["json"])[:-5], 200, TYPES["json"], CHUNKS),
            "close",
        ),
    ),
    "half-a-refusal": (1, ("hear", split(reply(b" " * 400, 401)), "close")),
    "half-a-503": (1, ("hear", split(reply(b" " * 400, 503)), "close")),
}


@pytest.mark.parametrize(("heard", "script"), BREAKS.values(), ids=BREAKS.keys())
def test_a_broken_connection_may_have_sent_and_is_not_tried_again(
    serve: Serve, heard: int, script: tuple[Step, ...]
) -> None:
    """After a break the request counts as perhaps sent, and there was one attempt only."""
    server = serve(*script)
    assert fail(NoAnswer, server).sent == "maybe"
    assert len(server.finish()) == heard
    assert server.connections == 1


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_break_on_a_kept_connection_is_not_tried_again(serve: Serve, end: str) -> None:
    """A kept connection that breaks on its second request does not get that request twice."""
    server = serve("hear", OK, "hear", end)
    with Client(server.url, auth=AUTH) as client:
        client.send(ask())
        with pytest.raises(NoAnswer) as caught:
            client.send(ask())
    assert caught.value.sent == "maybe"
    assert len(server.finish()) == 2
    assert server.connections == 1


@pytest.mark.parametrize(
    "script",
    [("hear", "hold", OK), ("hear", OK[:30], "hold"), ("hear", split(OK), "hold")],
    ids=["silence", "half-the-headers", "half-the-body"],
)
@pytest.mark.parametrize("of_call", [False, True], ids=["client", "call"])
@pytest.mark.parametrize(
    "timeout", [SOON, urllib3.Timeout(connect=NEVER, read=SOON)], ids=["number", "Timeout"]
)
def test_a_late_reply_may_have_sent(
    serve: Serve, script: tuple[Step, ...], timeout: Any, *, of_call: bool
) -> None:
    """A timeout of the client, and one of the call before it, ends waiting; nothing is repeated."""
    server = serve(*script)
    started = time.monotonic()
    general, special = (NEVER, timeout) if of_call else (timeout, None)
    with (
        Client(server.url, auth=AUTH, timeout=general) as client,
        pytest.raises(NoAnswer, match="the reply took too long") as caught,
    ):
        client.send(ask(), timeout=special)
    assert time.monotonic() - started < NEVER / 2
    assert caught.value.sent == "maybe"
    assert len(server.finish()) == 1
    assert server.connections == 1


def test_the_timeout_of_a_call_may_be_longer_than_the_clients(serve: Serve) -> None:
    """A call that allows more time gets a reply for which the client's timeout is too short."""

    def dawdle(_: Request) -> bytes:
        time.sleep(2 * SOON)
        return OK

    server = serve("hear", dawdle)
    with Client(server.url, auth=AUTH, timeout=SOON) as client:
        assert client.send(ask(), timeout=NEVER).bulk_id == "BULK-ID-123-xyz"


def test_defaults_are_five_seconds_to_connect_and_thirty_to_read() -> None:
    """A client waits for a bounded time if nobody says how long."""
    with Client(auth=AUTH) as client:
        timeout = client._pool.timeout
    assert isinstance(timeout, urllib3.Timeout)
    assert (timeout.connect_timeout, timeout.read_timeout) == (5, 30)


# ---------------------------------------------------------------- TLS


@pytest.fixture(name="certificate", scope="module")
def fixture_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a key and a certificate for 127.0.0.1 that nobody has signed but itself."""
    program = shutil.which("openssl")
    assert program, "these tests need the openssl program to make a certificate"
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    extensions = ("subjectAltName=IP:127.0.0.1", "keyUsage=critical,digitalSignature,keyCertSign")
    command = [program, *options.split(), "-subj", "/CN=127.0.0.1", "-keyout", str(path)]
    command += ["-out", f"{path}.crt", "-addext", extensions[0], "-addext", extensions[1]]
    subprocess.run(command, check=True, capture_output=True, timeout=NEVER)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture(name="tls")
def fixture_tls(certificate: Path) -> ssl.SSLContext:
    """Give what a server needs to show the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("problem", ["nobody-trusts-it", "it-names-another-host"])
def test_auth_005_a_certificate_that_does_not_prove_the_host_gets_nothing(
    serve: Serve,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    problem: str,
) -> None:
    """An untrusted certificate, and a trusted one for another host, end the call unsent."""
    server = serve("hear", OK, tls=tls)
    url = server.url
    if problem == "it-names-another-host":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        url = url.replace("127.0.0.1", "localhost")
    with Client(url, auth=AUTH, timeout=NEVER) as client, pytest.raises(NoAnswer) as caught:
        client.send(ask())
    assert caught.value.sent == "no"
    assert server.finish() == []
    assert server.connections == 1


def test_auth_005_a_trusted_certificate_gets_the_request(
    serve: Serve, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same server is sent to as soon as its certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = serve("hear", OK, tls=tls)
    assert send(server).bulk_id == "BULK-ID-123-xyz"
    assert len(server.finish()) == 1


# ---------------------------------------------------------------- the server refused


@both
@pytest.mark.parametrize(
    ("status", "stem", "words"),
    [
        (400, "bad-request-error", ("BAD_REQUEST", "Bad request")),
        (401, "unauthorized-error", ("UNAUTHORIZED", "Invalid login details")),
    ],
    ids=["400", "401"],
)
def test_err_001_a_refusal_carries_the_servers_words(
    serve: Serve, status: int, stem: str, words: tuple[str, str], wire: str
) -> None:
    """The documented body of a refusal is read in both formats, whichever was asked for."""
    body = example(stem, wire)
    server = serve("hear", reply(body, status, TYPES[wire], "X-Trace: 7"))
    for asked in ("json", "xml"):
        error = fail(Rejected, server, wire=asked)
        assert (error.status, error.message_id, error.text) == (status, *words)
        assert error.api_error is not None
        assert error.api_error.raw == error.body == body
        assert error.headers["x-trace"] == "7"
        phrase = HTTPStatus(status).phrase
        assert str(error) == f"the server refused: HTTP {status} {phrase}; its words are in .text"
    assert len(server.finish()) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 499, 503])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"", "application/xml"),
        (b"<html><p>No.</html>", "text/html"),
        (b"{}", "application/json"),
        (b'{"requestError":{"serviceException":"no"}}', "application/json"),
        (b"[1]", "application/json"),
        (example("documented-response", "xml"), "application/xml"),
    ],
    ids=["empty", "empty-xml", "html", "object", "other-shape", "list", "other-root"],
)
def test_err_001_a_refusal_needs_no_documented_body(
    serve: Serve, status: int, body: bytes, kind: str
) -> None:
    """A 4xx or 503 is a refusal with any body; it is not repeated, not even with Retry-After."""
    server = serve("hear", reply(body, status, kind, "Retry-After: 0"))
    error = fail(Rejected, server)
    assert (error.status, error.body, error.api_error) == (status, body, None)
    assert (error.message_id, error.text) == (None, None)
    assert error.headers["retry-after"] == "0"
    phrase = f" {HTTPStatus(status).phrase}" if status in iter(HTTPStatus) else ""
    assert str(error) == f"the server refused: HTTP {status}{phrase}"
    assert len(server.finish()) == 1


@pytest.mark.parametrize(("status", "kind"), [(200, BadReply), (401, Rejected), (500, BadReply)])
def test_a_body_that_cannot_be_unpacked_does_not_hide_the_status(
    serve: Serve, status: int, kind: type[Rejected | BadReply]
) -> None:
    """A body that is not what its Content-Encoding says leaves the status to decide the branch."""
    server = serve("hear", reply(b"nonsense", status, "application/json", "Content-Encoding: gzip"))

    assert fail(kind, server).status == status


def test_no_word_of_the_server_is_part_of_what_an_error_shows(serve: Serve) -> None:
    """A text that comes back as the fixed word of a refusal is in the attributes only."""
    body = json.dumps(
        {"requestError": {"serviceException": {"messageId": "HELLO", "text": "HELLO"}}}
    )
    error = fail(Rejected, serve("hear", reply(body.encode(), 400)))

    assert error.message_id == "HELLO"
    assert "HELLO" not in str(error) + repr(error)


# ---------------------------------------------------------------- the server misbehaved


@pytest.mark.parametrize("status", [500, 502, 504, 599])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>Bad Gateway</html>", "text/html"),
        (example("bad-request-error"), "application/json"),
        (b"", "application/json"),
    ],
    ids=["html", "api-error", "empty"],
)
def test_http_002_a_server_error_may_have_sent(
    serve: Serve, status: int, body: bytes, kind: str
) -> None:
    """A 5xx other than 503 leaves open whether the messages were accepted; it is not repeated."""
    server = serve("hear", reply(body, status, kind, "Retry-After: 0"))
    error = fail(BadReply, server)
    assert (error.status, error.sent, error.body) == (status, "maybe", body)
    assert error.violations == ()
    assert str(error) == f"HTTP {status}: a status outside the contract"
    assert len(server.finish()) == 1


UNREADABLE = {
    "html": (b"<html><p>Hello</html>", "text/html"),
    "html-called-json": (b"<html></html>", TYPES["json"]),
    "html-called-xml": (b"<html></html>", TYPES["xml"]),
    "empty-json": (b"", TYPES["json"]),
    "empty-xml": (b"", TYPES["xml"]),
    "truncated-json": (split(GOOD["json"]), TYPES["json"]),
    "truncated-xml": (split(GOOD["xml"]), TYPES["xml"]),
    "json-called-xml": (GOOD["json"], TYPES["xml"]),
    "xml-called-json": (GOOD["xml"], TYPES["json"]),
    "list": (b"[]", TYPES["json"]),
    "string": (b'"ok"', TYPES["json"]),
    "null": (b"null", TYPES["json"]),
    "other-members": (b'{"results":[]}', TYPES["json"]),
    "entry-without-status": (write({"messages": [entry(status=None)]}, "json"), TYPES["json"]),
    "other-root": (example("bad-request-error", "xml"), TYPES["xml"]),
    "unknown-root": (b"<smsReply/>", TYPES["xml"]),
    "not-utf-8": (b'{"messages":[],"bulkId":"\xff"}', TYPES["json"]),
    "deep": (b"[" * 100_000, TYPES["json"]),
    "deep-xml": (b"<a>" * 100_000, TYPES["xml"]),
}


@pytest.mark.parametrize(("body", "kind"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_reply_is_kept_in_the_error(serve: Serve, body: bytes, kind: str) -> None:
    """A 200 that is no answer says what is wrong with it and keeps status, bytes and headers."""
    server = serve("hear", reply(body, 200, kind))
    error = fail(BadReply, server)
    assert (error.status, error.sent, error.body) == (200, "maybe", body)
    assert error.headers["content-type"] == kind
    assert error.violations
    assert str(error).startswith("HTTP 200: ")
    assert len(server.finish()) == 1


def test_xml_005_entities_of_a_reply_are_not_expanded(serve: Serve) -> None:
    """A reply with a document type declaration is refused as such."""
    names = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x" * 100}">' for n in range(9)]
    body = f"<!DOCTYPE smsResponse [{''.join(names)}]><smsResponse>&e8;</smsResponse>".encode()
    error = fail(BadReply, serve("hear", reply(body, 200, TYPES["xml"])))
    assert [violation.requirement for violation in error.violations] == ["XML-005"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_auth_005_credentials_do_not_follow_a_redirect(serve: Serve, status: int) -> None:
    """A redirect to another host or path is not followed, and is no answer whatever it holds."""
    other = serve("hear", OK)
    targets = [other.url.replace("127.0.0.1", "localhost"), other.url, "/elsewhere"]
    for target in targets:
        here = serve("hear", reply(GOOD["json"], status, TYPES["json"], f"Location: {target}"))
        assert fail(BadReply, here).status == status
        assert len(here.finish()) == 1
    assert other.finish() == []
    assert other.connections == 0


# ---------------------------------------------------------------- replies in the wild


STRANGE = {"groupId": 99, "groupName": "HELD_BACK", "id": 4711, "name": "NEW_NAME", "flag": "1"}


@both
@pytest.mark.parametrize(
    ("plain", "member", "value"),
    [
        pytest.param({"messages": [entry(unheard=1)]}, "to", PHONE, id="HTTP-009-in-entry"),
        pytest.param({"unheard": 1, "messages": [entry()]}, "to", PHONE, id="HTTP-009-in-answer"),
        pytest.param({"messages": [entry(status=STRANGE)]}, "to", PHONE, id="HTTP-009-in-status"),
        pytest.param(
            {"messages": [dict(reversed(entry().items()))]}, "to", PHONE, id="HTTP-009-order"
        ),
        pytest.param({"messages": [entry(messageId=None)]}, "message_id", None, id="no-id"),
        pytest.param(
            {"messages": [entry(messageId=2033912860760522207)]},
            "message_id",
            "2033912860760522207",
            id="id-of-19-digits",
        ),
        pytest.param(
            {"messages": [entry(messageId=10**25 + 1)]},
            "message_id",
            "10000000000000000000000001",
            id="id-of-26-digits",
        ),
        pytest.param({"messages": [entry(smsCount=3)]}, "sms_count", 3, id="V1-002"),
        pytest.param({"messages": [entry(to="")]}, "to", "", id="empty-to"),
    ],
)
def test_an_entry_in_the_wild_is_read(
    serve: Serve, wire: str, plain: dict[str, Any], member: str, value: Any
) -> None:
    """What a server adds, leaves out or spells differently does not lose the answer or its bytes."""
    body = write(plain, wire)
    answer = send(serve("hear", reply(body, 200, TYPES[wire])), wire=wire)
    assert getattr(answer.messages[0], member) == value
    assert answer.raw == body


@both
def test_resp_007_a_status_that_nobody_knows_is_read(serve: Serve, wire: str) -> None:
    """Unknown numbers and names of a status come through as they are."""
    body = write({"messages": [entry(status=STRANGE)]}, wire)
    status = send(serve("hear", reply(body, 200, TYPES[wire])), wire=wire).messages[0].status
    assert (status.group_id, status.group_name) == (99, "HELD_BACK")
    assert (status.id, status.name) == (4711, "NEW_NAME")
    assert (status.description, status.action) == (None, None)


@both
def test_resp_004_one_destination_may_have_a_bulk_id(serve: Serve, wire: str) -> None:
    """A bulkId is read also where the documentation does not promise one."""
    body = write({"bulkId": "b-1", "messages": [entry()]}, wire)
    assert send(serve("hear", reply(body, 200, TYPES[wire]))).bulk_id == "b-1"


@both
def test_http_002_a_rejected_destination_is_an_answer(serve: Serve, wire: str) -> None:
    """A 200 whose entries say REJECTED is an answer, not an error."""
    answer = send(serve("hear", reply(example("rejected-response", wire), 200, TYPES[wire])))
    assert [details.status.group_name for details in answer.messages] == ["REJECTED", "REJECTED"]


def test_http_010_null_is_read_as_left_out(serve: Serve) -> None:
    """Optional members that are null in a reply are None in the answer."""
    body = json.dumps(
        {"bulkId": None, "messages": [entry() | {"messageId": None, "smsCount": None}]}
    ).encode()
    answer = send(serve("hear", reply(body)))
    details = answer.messages[0]
    assert (answer.bulk_id, details.message_id, details.sms_count) == (None, None, None)


@pytest.mark.parametrize("asked", ["json", "xml"])
@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        ("json", "application/json;charset=UTF-8"),
        ("json", "Application/JSON ; Charset=utf-8"),
        ("json", "application/vnd.example+json"),
        ("xml", "application/xml;charset=UTF-8"),
        ("xml", "text/xml"),
        ("xml", "application/vnd.example+xml"),
    ],
)
def test_http_008_the_content_type_of_the_reply_decides(
    serve: Serve, wire: str, kind: str, asked: str
) -> None:
    """A reply is read as what it says it is, whatever was asked for."""
    answer = send(serve("hear", reply(GOOD[wire], 200, kind)), wire=asked)
    assert [details.to for details in answer.messages] == [PHONE, "41793026731", "41793026785"]
    assert answer.raw == GOOD[wire]


@both
@pytest.mark.parametrize("kind", ["", "text/plain", "application/octet-stream"])
def test_a_reply_of_no_known_type_is_in_the_format_that_was_asked_for(
    serve: Serve, wire: str, kind: str
) -> None:
    """Without a telling Content-Type the reply is read as the format of the request."""
    answer = send(serve("hear", reply(GOOD[wire], 200, kind)), wire=wire)
    assert answer.bulk_id == "BULK-ID-123-xyz"


TRAVELS: dict[str, tuple[Step, ...]] = {
    "gzip": (reply(gzip.compress(GOOD["json"]), 200, TYPES["json"], "Content-Encoding: gzip"),),
    "deflate": (
        reply(zlib.compress(GOOD["json"]), 200, TYPES["json"], "Content-Encoding: deflate"),
    ),
    "chunked": (reply(chunked(GOOD["json"]), 200, TYPES["json"], CHUNKS),),
    "chunked-gzip": (
        reply(
            chunked(gzip.compress(GOOD["json"]), 7),
            *(200, TYPES["json"], CHUNKS, "Content-Encoding: gzip"),
        ),
    ),
    "until-the-end": (b"HTTP/1.1 200 OK\r\n\r\n" + GOOD["json"], "close"),
    "http-1.0": (b"HTTP/1.0 200 OK\r\n\r\n" + GOOD["json"], "close"),
    "in-pieces": tuple(OK[start : start + 100] for start in range(0, len(OK), 100)),
    "after-a-100": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK,),
    "status-201": (reply(GOOD["json"], 201),),
}


@pytest.mark.parametrize("script", TRAVELS.values(), ids=TRAVELS.keys())
def test_a_reply_may_travel_in_any_form(serve: Serve, script: tuple[Step, ...]) -> None:
    """Compressed, in chunks, in pieces or without a length: the answer and its bytes are the same."""
    answer = send(serve("hear", *script))
    assert answer.messages[2].message_id == "2033912860760522208"
    assert answer.raw == GOOD["json"]


# ---------------------------------------------------------------- replies that are too large


def test_a_declared_size_is_refused_before_it_is_read(serve: Serve) -> None:
    """A Content-Length of 100 MB is a bad reply at once, though not one byte of it ever comes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n"
    started = time.monotonic()
    error = fail(BadReply, serve("hear", head, "hold"))
    assert time.monotonic() - started < NEVER / 2
    assert (error.status, error.body) == (200, b"")
    assert "a larger body" in str(error)


def bomb(kind: str) -> bytes:
    """Return a reply of 200 MB of zeros, compressed or not."""
    zeros, head = bytes(MEBIBYTE), b"HTTP/1.1 200 OK\r\n%b\r\n"
    if kind == "plain":
        return head % b"" + zeros * 200
    if kind == "chunked":
        return head % b"Transfer-Encoding: chunked\r\n" + b"100000\r\n%b\r\n" % zeros * 200
    packer = zlib.compressobj(1, wbits=31 if kind == "gzip" else 15)
    packed = b"".join(packer.compress(zeros) for _ in range(200)) + packer.flush()
    return head % b"Content-Encoding: %b\r\n" % kind.encode() + packed


@pytest.mark.parametrize("kind", ["gzip", "deflate", "plain", "chunked"])
def test_a_large_reply_is_refused_in_bounded_memory(serve: Serve, kind: str) -> None:
    """Of 200 MB without a declared size the client takes less than 150 MB of memory."""
    server = serve("hear", bomb(kind), "close")
    tracemalloc.start()
    try:
        error = fail(BadReply, server)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "a larger body" in str(error)
    assert error.status == 200
    assert MEBIBYTE < peak < 150 * MEBIBYTE


def test_a_client_works_on_after_large_replies(serve: Serve) -> None:
    """Refused replies use up no connections of the pool: the next send gets its answer."""
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"
    replies = iter([*[large] * 5, OK])
    server = serve("hear", lambda _: next(replies))
    with Client(server.url, auth=AUTH, timeout=NEVER, connections=2) as client:
        for _ in range(5):
            with pytest.raises(BadReply):
                client.send(ask())
        assert client.send(ask()).bulk_id == "BULK-ID-123-xyz"
    assert [request.connection for request in server.finish()] == list(range(6))


# ---------------------------------------------------------------- secrets


SECRET = "hunter2-hunter2-hunter2"
BASIC = base64.b64encode(f"Aladdin:{SECRET}".encode()).decode()


def quote(request: Request) -> str:
    """Return all that a request said, in one line."""
    return f"{request.find('authorization')} {request.body.decode()}".replace("\n", " ")


def echo(body: Callable[[str], bytes], status: int, kind: str = "application/json") -> Step:
    """Return a step that sends the whole request back inside a body."""
    return lambda request: reply(body(quote(request)), status, kind, f"X-Echo: {quote(request)}")


def as_error(words: str) -> bytes:
    """Return a refusal that quotes the words, and a telephone number in place of its own word."""
    exception = {"messageId": PHONE, "text": words, "validationErrors": {words: [words]}}
    return json.dumps({"requestError": {"serviceException": exception}}).encode()


def as_members(words: str) -> bytes:
    """Return an answer with the words where other types belong."""
    wrong = {"to": [words], "status": {words: words, "id": words, "groupId": {words: 1}}}
    return json.dumps({words: words, "messages": [wrong, words, {PHONE: words}]}).encode()


ECHOES: dict[str, tuple[Step, ...]] = {
    "accepted": (OK,),
    "refused": (echo(as_error, 401),),
    "refused-in-html": (echo(lambda words: f"<p>{words}".encode(), 400, "text/html"),),
    "server-error": (echo(str.encode, 500, "text/plain"),),
    "wrong-types": (echo(as_members, 200),),
    "not-json": (echo(str.encode, 200),),
    "not-xml": (echo(lambda words: f"<p>{words}".encode(), 200, "application/xml"),),
    "wrong-root": (echo(lambda _: f"<x{PHONE}/>".encode(), 200, "application/xml"),),
    "redirect": (lambda r: reply(b"", 302, "text/html", f"Location: http://127.0.0.1/{quote(r)}"),),
    "broken": ("reset",),
    "not-http": (lambda request: quote(request).encode() + b"\r\n\r\n", "close"),
    "half": (lambda request: split(reply(quote(request).encode())), "close"),
    "too-large": (
        lambda r: reply(b"", 200, "text/html", f"X-Echo: {quote(r)}").replace(
            b"Length: 0", b"Length: 104857600"
        ),
    ),
}


@pytest.mark.parametrize(
    "auth",
    [Basic("Aladdin", SECRET), ApiKey(SECRET), IbssoToken(SECRET), Bearer(SECRET)],
    ids=lambda auth: type(auth).__name__,
)
@pytest.mark.parametrize("script", ECHOES.values(), ids=ECHOES.keys())
def test_nothing_shows_secrets_numbers_or_texts(
    serve: Serve,
    script: tuple[Step, ...],
    auth: Auth,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """No log, repr, error or traceback shows the key, the number or the text, even if echoed."""
    caplog.set_level(logging.DEBUG)
    server = serve("hear", *script)
    shown = [repr(auth), str(auth)]
    with Client(server.url, auth=auth, timeout=NEVER) as client:
        shown += [repr(client), str(client)]
        try:
            client.send(ask())
        except Error as error:
            shown += [str(error), repr(error), *traceback.format_exception(error)]
    assert {"infobip_sms", "urllib3.connectionpool"} <= {record.name for record in caplog.records}
    shown += [f"{record.getMessage()} {vars(record)!r}" for record in caplog.records]
    shown += [caplog.text, *capfd.readouterr()]
    assert TEXT in quote(server.finish()[0])
    for word in (SECRET, BASIC, "Aladdin", PHONE, TEXT):
        assert not [line for line in shown if word in line], word


# ---------------------------------------------------------------- refused before anything is sent


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080",
        "http://127.9.9.9",
        "http://[::1]:8080/x",
        "http://localhost",
        "HTTP://LOCALHOST:80/",
        "https://api.infobip.com",
        "https://127.0.0.1.example.com/",
        "HTTPS://example.com:8443/gateway",
    ],
)
def test_auth_005_https_and_loopback_are_fine(url: str) -> None:
    """Any host is fine over https, and loopback hosts over http."""
    with Client(url, auth=AUTH) as client:
        assert url.partition(":")[0].lower() in repr(client)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.infobip.com",
        "HTTP://API.INFOBIP.COM",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://localhost.localdomain.example",
        "http://notlocalhost",
        "http://127-0-0-1.example.com",
        "http://example.com/127.0.0.1",
        "http://example.com#@127.0.0.1",
        "http://example.com?@127.0.0.1",
        "http://example.com\\@127.0.0.1",
        "http://127.0.0.1@example.com",
        "http://128.0.0.1",
        "http://10.0.0.1",
        "http://192.168.1.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://[fe80::1]",
        "http://[2001:db8::1]",
    ],
)
def test_auth_005_plain_http_to_other_hosts_is_refused(url: str) -> None:
    """Plain http to anything but loopback is refused when the client is made."""
    with pytest.raises(RequestRefused) as caught:
        Client(url, auth=AUTH)
    assert [(v.path, v.requirement) for v in caught.value.violations] == [("base_url", "AUTH-005")]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.infobip.com",
        "//api.infobip.com",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "https://",
        "https://:443",
        "https:api.infobip.com",
        "https://api.infobip.com:99999",
        "https://api.infobip.com:port",
        "https://api.infobip.com?key=hunter2",
        "https://user:hunter2@api.infobip.com",
        "http://user:hunter2@127.0.0.1",
        "https://api.infobip.com\r\nX: y",
        "https://api infobip.com",
        " https://api.infobip.com",
    ],
)
def test_auth_005_a_base_url_of_another_form_is_refused(url: str) -> None:
    """What is no http or https URL of a host is refused, and not quoted."""
    with pytest.raises(RequestRefused) as caught:
        Client(url, auth=AUTH)
    assert [(v.path, v.requirement) for v in caught.value.violations] == [("base_url", "AUTH-005")]
    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize("scheme", [ApiKey, IbssoToken, Bearer])
@pytest.mark.parametrize(
    "middle",
    ["\r", "\n", "\r\n", "\r\n X-Other: 1", " ", "\t", "\0", "\x7f", "\x85", "é", "€", "\u2028"],
    ids=ascii,
)
def test_auth_005_a_key_that_a_header_cannot_carry_is_refused(
    serve: Serve, scheme: Callable[[str], Auth], middle: str
) -> None:
    """Line breaks, spaces, controls and non-ASCII in a key are refused, and nothing is sent."""
    server = serve("hear", OK)
    for key in (f"hunter2{middle}hunter2", f"hunter2{middle}", f"{middle}hunter2"):
        error = fail(RequestRefused, server, auth=scheme(key))
        assert [(v.path, v.requirement) for v in error.violations] == [("auth", "AUTH-005")]
        assert "hunter2" not in f"{error} {error!r}"
    assert server.finish() == []
    assert server.connections == 0


@pytest.mark.parametrize("scheme", [ApiKey, IbssoToken, Bearer])
def test_auth_005_an_empty_key_is_refused(serve: Serve, scheme: Callable[[str], Auth]) -> None:
    """An empty key is refused, and nothing is sent."""
    server = serve("hear", OK)
    fail(RequestRefused, server, auth=scheme(""))
    server.finish()
    assert server.connections == 0


def test_auth_003_a_user_with_a_colon_is_refused() -> None:
    """A colon in the user's name, which the server would take for the end of it, is refused."""
    with pytest.raises(RequestRefused) as caught:
        Basic("hunter2:x", "secret")
    assert [(v.path, v.requirement) for v in caught.value.violations] == [("username", "AUTH-003")]
    assert "hunter2" not in repr(caught.value)


@both
@pytest.mark.parametrize(
    ("spoil", "path", "requirement"),
    [
        pytest.param(lambda r: r.messages.clear(), "messages", "SEND-002", id="SEND-002"),
        pytest.param(
            lambda r: r.messages[0].destinations.clear(),
            *("messages[0].destinations", "SEND-005"),
            id="SEND-005",
        ),
        pytest.param(
            lambda r: r.messages.append(PHONE), "messages[1]", "SEND-002", id="SEND-002-string"
        ),
    ],
)
def test_a_request_that_was_spoilt_later_is_not_sent(
    serve: Serve, wire: Any, spoil: Callable[[SmsRequest], None], path: str, requirement: str
) -> None:
    """A list that was changed after the request was made is looked at again before sending."""
    server, request = serve("hear", OK), ask()
    spoil(request)
    with Client(server.url, auth=AUTH) as client, pytest.raises(RequestRefused) as caught:
        client.send(request, wire=wire)
    assert [(v.path, v.requirement) for v in caught.value.violations] == [(path, requirement)]
    assert server.finish() == []
    assert server.connections == 0


class OwnAuth:
    """Authorization that a user wrote."""

    def __init__(self, value: str) -> None:
        self.value = value

    def header(self) -> str:
        """Return whatever it was made with."""
        return self.value


@pytest.mark.parametrize("value", ["App hunter2\r\nX-Other: 1", "App hunter2\u20ac", "hunter2", ""])
def test_auth_005_a_users_own_authorization_is_checked(serve: Serve, value: str) -> None:
    """A header that cannot be sent is refused before anything is, and not shown."""
    server = serve("hear", OK)
    error = fail(RequestRefused, server, auth=OwnAuth(value))

    assert [v.requirement for v in error.violations] == ["AUTH-005"]
    assert "hunter2" not in str(error) + repr(error)
    server.finish()
    assert server.connections == 0


def test_text_001_half_a_surrogate_pair_is_no_password() -> None:
    """A password that no encoding carries is refused when it is given, and not shown."""
    with pytest.raises(RequestRefused) as caught:
        Basic("user", "hunter2\ud800")
    assert "hunter2" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    "url", ["https://h/#x", "https://" + "a" * 64 + ".example", "https://a..b"]
)
def test_auth_005_a_base_url_that_leads_nowhere_is_refused(url: str) -> None:
    """A fragment, or a host name that no name server can be asked for, is refused at once."""
    with pytest.raises(RequestRefused, match="base_url"):
        Client(url, auth=AUTH)


def test_the_repr_of_a_client_is_a_url() -> None:
    """An address of IP version 6 stands in brackets."""
    with Client("http://[::1]:8080/path", auth=AUTH) as client:
        assert repr(client) == "Client(http://[::1]:8080)"


def test_text_002_what_xml_cannot_carry_is_not_sent(serve: Serve) -> None:
    """A text with a control character is refused with its path for XML, and nothing is sent."""
    server = serve("hear", OK)
    message = Message(destinations=[Destination(to=PHONE)], text="a\x00b")
    with Client(server.url, auth=AUTH) as client, pytest.raises(RequestRefused) as caught:
        client.send(SmsRequest(messages=[message]), wire="xml")
    assert [v.path for v in caught.value.violations] == ["messages[0].text"]
    server.finish()
    assert server.connections == 0


# ---------------------------------------------------------------- errors travel


REFUSED: tuple[Step, ...] = (reply(example("unauthorized-error"), 401, TYPES["json"], "X-A: b"),)


@pytest.mark.parametrize(
    ("kind", "script", "options"),
    [
        (NoAnswer, ("close",), {}),
        (Rejected, REFUSED, {}),
        (BadReply, (reply(b"[]"),), {}),
        (RequestRefused, (OK,), {"auth": ApiKey("")}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_errors_survive_pickle(
    serve: Serve, kind: type[Error], script: tuple[Step, ...], options: dict[str, Any]
) -> None:
    """An error that was sent to another process has all that it had."""
    error = fail(kind, serve("hear", *script), **options)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is kind
    assert vars(error)
    assert vars(copy) == vars(error)
    assert (copy.args, str(copy), repr(copy)) == (error.args, str(error), repr(error))


def test_every_error_of_the_tree_is_an_error_and_says_what_it_is() -> None:
    """One except clause catches every branch, and the shown text names no body."""
    problem = Violation("messages", "nothing", "a list", "RESP-001")
    errors: list[tuple[Error, str]] = [
        (RequestRefused([problem]), "messages: got nothing, wants a list (RESP-001)"),
        (NoAnswer("the line was cut", "no"), "no answer: the line was cut; request sent: no"),
        (Rejected(403, b"body"), "the server refused: HTTP 403 Forbidden"),
        (BadReply((problem,), None, b"body"), "messages: got nothing, wants a list (RESP-001)"),
    ]
    for error, text in errors:
        assert str(error) == text
        assert "body" not in repr(error)
