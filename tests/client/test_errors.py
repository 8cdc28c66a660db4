"""The client against scripted servers that reject or misbehave."""

from __future__ import annotations

import json
import time
import tracemalloc
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from tests.client.calls import (
    AUTH,
    GOOD,
    MEBIBYTE,
    NEVER,
    OK,
    PHONE,
    TEXT,
    TYPES,
    ask,
    both,
    entry,
    example,
    fail,
    reply,
    split,
    write,
)

if TYPE_CHECKING:
    from tests.client.calls import Serve

from infobip_sms import (
    ApiError,
    Client,
    InvalidResponseError,
    Retry,
)


@both
@pytest.mark.parametrize(
    ("status", "stem", "words"),
    [
        (400, "bad-request-error", ("BAD_REQUEST", "Bad request")),
        (401, "unauthorized-error", ("UNAUTHORIZED", "Invalid login details")),
    ],
    ids=["400", "401"],
)
def test_err_001_a_rejection_carries_the_servers_words(
    serve: Serve, status: int, stem: str, words: tuple[str, str], wire: str
) -> None:
    """The documented body of a rejection is read in both formats, whichever was asked for."""
    body = example(stem, wire)
    server = serve("hear", reply(body, status, TYPES[wire], "X-Trace: 7"))
    for asked in ("json", "xml"):
        error = fail(ApiError, server, wire=asked)
        assert (error.status, error.code, error.text) == (status, *words)
        assert error.error_response is not None
        assert error.error_response.raw == error.body == body
        assert error.headers["x-trace"] == "7"
        phrase = HTTPStatus(status).phrase
        assert f"): HTTP {status} {phrase}: {words[0]}: {words[1]}. " in str(error)
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
def test_err_001_a_rejection_needs_no_documented_body(
    serve: Serve, status: int, body: bytes, kind: str
) -> None:
    """A 4xx or 503 is a rejection with any body; without Retry-After it is sent once, but for 429."""
    server = serve("hear", reply(body, status, kind, "X-Trace: 7"))
    error = fail(ApiError, server, retry=Retry(attempts=2, wait_initial=0.0))
    assert (error.status, error.body, error.error_response) == (status, body, None)
    assert (error.code, error.text) == (None, None)
    assert error.headers["x-trace"] == "7"
    phrases = {known.value: f" {known.phrase}" for known in HTTPStatus}
    more = " after 2 attempts" if status == 429 else ""
    processed = "may have been" if status == 503 else "was not"
    assert (
        f"HTTP {status}{phrases.get(status, '')}. The request {processed} processed{more}. "
        in str(error)
    )
    assert len(server.finish()) == (2 if status == 429 else 1)


@pytest.mark.parametrize(
    ("status", "kind"), [(200, InvalidResponseError), (401, ApiError), (500, InvalidResponseError)]
)
def test_a_body_that_cannot_be_unpacked_does_not_hide_the_status(
    serve: Serve, status: int, kind: type[ApiError | InvalidResponseError]
) -> None:
    """A body that is not what its Content-Encoding says leaves the status to decide the branch."""
    server = serve("hear", reply(b"nonsense", status, "application/json", "Content-Encoding: gzip"))

    error = fail(kind, server)

    assert error.status == status
    assert status != 200 or "an empty body, with Content-Encoding: gzip (HTTP-003)" in str(error)


def test_what_was_sent_is_not_part_of_what_an_error_shows(serve: Serve) -> None:
    """A text or a number that a server quotes is in the attributes only."""
    words = {
        "messageId": TEXT.upper(),
        "text": f"{TEXT} to {PHONE}",
        "validationErrors": {"to": [PHONE]},
    }
    body = json.dumps({"requestError": {"serviceException": words}})
    error = fail(ApiError, serve("hear", reply(body.encode(), 400)))

    assert error.code == TEXT.upper()
    assert "HTTP 400 Bad Request: ***: *** to ***: to: ***. " in str(error)
    assert TEXT.upper() not in str(error) + repr(error)


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
    error = fail(InvalidResponseError, server)
    assert (error.status, error.sent, error.body) == (status, "maybe", body)
    assert error.violations == ()
    assert f"HTTP {status}" in str(error)
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
def test_an_unreadable_response_is_kept_in_the_error(serve: Serve, body: bytes, kind: str) -> None:
    """A 200 that is no response says what is wrong with it and keeps status, bytes and headers."""
    server = serve("hear", reply(body, 200, kind))
    error = fail(InvalidResponseError, server)
    assert (error.status, error.sent, error.body) == (200, "maybe", body)
    assert error.headers["content-type"] == kind
    assert error.violations
    assert "): HTTP 200 OK: " in str(error)
    assert len(server.finish()) == 1


def test_xml_005_entities_of_a_response_are_not_expanded(serve: Serve) -> None:
    """A response with a document type declaration is rejected as such."""
    names = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x" * 100}">' for n in range(9)]
    body = f"<!DOCTYPE smsResponse [{''.join(names)}]><smsResponse>&e8;</smsResponse>".encode()
    error = fail(InvalidResponseError, serve("hear", reply(body, 200, TYPES["xml"])))
    assert [violation.requirement_id for violation in error.violations] == ["XML-005"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_auth_005_credentials_do_not_follow_a_redirect(serve: Serve, status: int) -> None:
    """A redirect to another host or path is not followed, and is no response whatever it holds."""
    other = serve("hear", OK)
    targets = [other.url.replace("127.0.0.1", "localhost"), other.url, "/elsewhere"]
    for target in targets:
        here = serve("hear", reply(GOOD["json"], status, TYPES["json"], f"Location: {target}"))
        assert fail(InvalidResponseError, here).status == status
        assert len(here.finish()) == 1
    assert other.finish() == []
    assert other.connections == 0


def test_a_declared_size_is_rejected_before_it_is_read(serve: Serve) -> None:
    """A Content-Length of 100 MB is a bad response at once, though not one byte of it ever comes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n"
    started = time.monotonic()
    error = fail(InvalidResponseError, serve("hear", head, "hold"))
    assert time.monotonic() - started < NEVER / 2
    assert (error.status, error.body) == (200, b"")
    assert "a larger body" in str(error)


def bomb(kind: str) -> bytes:
    """Return a response of 200 MB of zeros, compressed or not."""
    zeros, head = bytes(MEBIBYTE), b"HTTP/1.1 200 OK\r\n%b\r\n"
    if kind == "plain":
        return head % b"" + zeros * 200
    if kind == "chunked":
        return head % b"Transfer-Encoding: chunked\r\n" + b"100000\r\n%b\r\n" % zeros * 200
    packer = zlib.compressobj(1, wbits=31 if kind == "gzip" else 15)
    packed = b"".join(packer.compress(zeros) for _ in range(200)) + packer.flush()
    return head % b"Content-Encoding: %b\r\n" % kind.encode() + packed


@pytest.mark.parametrize("kind", ["gzip", "deflate", "plain", "chunked"])
def test_a_large_response_is_rejected_in_bounded_memory(serve: Serve, kind: str) -> None:
    """Of 200 MB without a declared size the client takes less than 150 MB of memory."""
    server = serve("hear", bomb(kind), "close")
    tracemalloc.start()
    try:
        error = fail(InvalidResponseError, server)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "a larger body" in str(error)
    assert error.status == 200
    assert MEBIBYTE < peak < 150 * MEBIBYTE


def test_a_client_works_on_after_large_responses(serve: Serve) -> None:
    """Rejected responses use up no connections of the pool: the next send gets its response."""
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"
    responses = iter([*[large] * 5, OK])
    server = serve("hear", lambda _: next(responses))
    with Client(server.url, auth=AUTH, timeout=NEVER, connections=2) as client:
        for _ in range(5):
            with pytest.raises(InvalidResponseError):
                client.send(ask())
        assert client.send(ask()).bulk_id == "BULK-ID-123-xyz"
    assert [request.connection for request in server.finish()] == list(range(6))
