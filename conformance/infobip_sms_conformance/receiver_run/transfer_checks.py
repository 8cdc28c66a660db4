"""Checks of how reports may arrive, and of what must not harm a receiver: RCV-015 to RCV-028."""

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from socket import create_server
from threading import Event, Thread
from time import sleep

from infobip_sms_conformance.observations.exchange import OK_STATUSES, Exchange
from infobip_sms_conformance.observations.verdicts import CheckFailed, NotApplicable
from infobip_sms_conformance.receiver_run.connection import dump_request, open_connection
from infobip_sms_conformance.receiver_run.content_checks import READ_OR_REJECTED
from infobip_sms_conformance.receiver_run.conversation import (
    ACKNOWLEDGED,
    Conversation,
    describe,
    is_acknowledged,
)
from infobip_sms_conformance.receiver_run.registry import check
from infobip_sms_conformance.receiver_run.reports import dump_reports, get_media_type, set_fields
from infobip_sms_conformance.transport.http import NoResponseError

AT_ONCE, KEPT_POSTS, HUGE = 50, 3, 8 * 2**20
ERROR_STATUSES = range(400, 600)
MARKER = "<script>rcv028</script>"
RUBBISH = {
    "an empty body": b"",
    "a body that is neither JSON nor XML": b"status=DELIVERED&id=1",
    "binary data": bytes(range(256)),
}
RUBBISH_BY_WIRE = {
    "json": {
        "a JSON list": b"[1]",
        "JSON without results": b'{"bulkId":"b"}',
        "JSON null": b"null",
    },
    "xml": {
        "XML with another root": b"<html><body/></html>",
        "an unclosed element": b"<reportResponse>",
    },
}
GRACE = 0.05  # seconds in which a fetch may still begin after the response


@check("RCV-015", posts=3)
def content_type_parameters(talk: Conversation) -> None:
    """A charset, in two spellings, and the type in other case."""
    kind = get_media_type(talk.wire)
    for value in (f"{kind}; charset=UTF-8", f'{kind};charset="utf-8"', kind.title()):
        talk.require_acknowledged(
            talk.build(f"Content-Type: {value}", headers={"content-type": value})
        )


@check("RCV-016", posts=1)
def lower_case_headers(talk: Conversation) -> None:
    """Every name in lower case, as HTTP/2 gateways pass them on."""
    headers = {"host": "", "content-type": get_media_type(talk.wire)}
    talk.require_acknowledged(talk.build("names of headers in lower case", headers=headers))


@check("RCV-017", posts=1)
def chunked_body(talk: Conversation) -> None:
    """A body in chunks."""
    talk.require_acknowledged(
        talk.build("a body in chunks", headers={"transfer-encoding": "chunked"})
    )


@check("RCV-018", posts=KEPT_POSTS)
def kept_connection(talk: Conversation) -> None:
    """Several posts on one connection, unless the receiver closes it."""
    with open_connection(talk.address.target, talk.seconds) as connection:
        for serial in range(1, KEPT_POSTS + 1):
            post = talk.build(f"post {serial} on a kept connection")
            exchange = talk.send_on(connection, post, keep=serial < KEPT_POSTS)
            talk.require_status(exchange, OK_STATUSES, ACKNOWLEDGED)
            if connection.is_closing:
                return


@check("RCV-019", posts=1)
def compressed_body(talk: Conversation) -> None:
    """A body in gzip."""
    report = talk.build_report()
    body = gzip.compress(dump_reports([report], talk.wire))
    post = talk.build_post("a body in gzip", body, [report], {"content-encoding": "gzip"})
    talk.require_status(talk.send(post), READ_OR_REJECTED, "a 2xx or a 4xx status")


@check("RCV-020", posts=AT_ONCE)
def posts_at_once(talk: Conversation) -> None:
    """Many posts at the same time."""
    posts = [talk.build(f"one of {AT_ONCE} posts at once") for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        exchanges = list(pool.map(talk.send, posts))
    failed = [exchange for exchange in exchanges if not is_acknowledged(exchange)]
    if failed:
        got = f"{len(failed)} of {AT_ONCE} not acknowledged: {describe(failed[0])}"
        raise CheckFailed(got, expected=ACKNOWLEDGED, exchange=failed[0])


@check("RCV-021", posts=len(RUBBISH) + 5)
def rubbish(talk: Conversation) -> None:
    """Bodies that are no delivery report, and one that is cut off."""
    cut = dump_reports([talk.build_report()], talk.wire)[:-40]
    bodies = {**RUBBISH, **RUBBISH_BY_WIRE[talk.wire], "a report that is cut off": cut}
    for label, body in bodies.items():
        exchange = talk.send(talk.build_post(label, body))
        talk.require_status(exchange, ERROR_STATUSES, "a 4xx or a 5xx status")
    talk.require_alive("a body that is not a report")


@check("RCV-023", posts=2)
def other_content_types(talk: Conversation) -> None:
    """A report under a type that it is not announced with."""
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        exchange = talk.send(talk.build(f"Content-Type: {kind}", headers={"content-type": kind}))
        talk.require_status(exchange, READ_OR_REJECTED, "a 2xx or a 4xx status")


@check("RCV-026", posts=3)
def nothing_is_fetched(talk: Conversation) -> None:
    """URLs of this machine in callback data and, in XML, in entities."""
    if not talk.address.target.is_loopback:
        raise NotApplicable("only a receiver on this machine can reach the suite")
    with watch_fetches() as (url, fetched):
        exchange = talk.send(talk.build("a URL in callbackData", set_fields(callbackData=url)))
        require_no_fetch(exchange, fetched)
        if talk.wire == "xml":
            for label, doctype in (
                ("an external entity", f'<!DOCTYPE r [<!ENTITY x SYSTEM "{url}">]>'),
                ("an external DTD", f'<!DOCTYPE reportResponse SYSTEM "{url}">'),
            ):
                body = dump_reports([talk.build_report()], "xml")
                body = body.replace(b"?>", b"?>" + doctype.encode(), 1)
                if "ENTITY" in doctype:
                    body = body.replace(b"DLR callback data", b"&x;")
                require_no_fetch(talk.send(talk.build_post(label, body)), fetched)


def require_no_fetch(exchange: Exchange, fetched: Event) -> None:
    """Raise CheckFailed if the receiver has connected to the URL."""
    if fetched.wait(GRACE):
        raise CheckFailed("the URL was fetched", expected="no connection", exchange=exchange)


@contextmanager
def watch_fetches() -> Iterator[tuple[str, Event]]:
    """Listen for the time of a ``with`` block; give the URL, and an event that a connection sets."""
    fetched, ended = Event(), Event()
    server = create_server(("127.0.0.1", 0))
    server.settimeout(0.02)

    def accept() -> None:
        while not ended.is_set():
            with suppress(TimeoutError):
                connection, _ = server.accept()
                fetched.set()
                connection.close()

    thread = Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/rcv026", fetched
    finally:
        ended.set()
        thread.join()
        server.close()


@check("RCV-027", posts=1)
def nothing_personal(talk: Conversation) -> None:
    """A report with a text and callback data of its own."""
    texts = {"text": "A secret of rcv027", "callbackData": "customer-rcv027"}
    exchange = talk.require_acknowledged(talk.build("a report with a text", set_fields(**texts)))
    hidden = {**texts, "to": talk.build_report()["to"]}
    said = get_response_text(exchange)
    if found := [name for name, text in hidden.items() if text in said]:
        got = f"the response has {' and '.join(found)}"
        raise CheckFailed(got, expected="nothing of the report", exchange=exchange)


@check("RCV-028", posts=2)
def no_echo(talk: Conversation) -> None:
    """A body with a script, alone and as a field."""
    field = dump_reports([], talk.wire, bulkId=MARKER)
    plain = field.replace(b"results", b"nothing")
    for label, body in (("a script", MARKER.encode()), ("a script in a field", plain)):
        exchange = talk.send(talk.build_post(label, body))
        if "rcv028" in get_response_text(exchange):
            raise CheckFailed("the body is quoted", expected="no quotation", exchange=exchange)


def get_response_text(exchange: Exchange) -> str:
    """Return the headers and the body of a response."""
    if exchange.response is None:
        return ""
    headers = "\n".join(f"{n}: {v}" for n, v in exchange.response.headers.items())
    return f"{headers}\n{exchange.response.body.decode('utf-8', 'replace')}"


@check("RCV-024", posts=2)
def broken_connection(talk: Conversation) -> None:
    """A connection that ends in the middle of a body."""
    post = talk.build("a valid report after a broken connection")
    data = dump_request(talk.address, post.request)
    talk.count_post()
    with (
        suppress(OSError, NoResponseError),
        open_connection(talk.address.target, talk.seconds) as connection,
    ):
        connection.send(data[: -len(post.request.body) // 2])
    sleep(GRACE)
    talk.require_alive("a broken connection")


@check("RCV-022", posts=2)
def huge_body(talk: Conversation) -> None:
    """Eight megabytes that are no report."""
    exchange = talk.send(talk.build_post("a body of 8 MiB", b"x" * HUGE))
    if exchange.slow:
        raise CheckFailed(describe(exchange), expected="a response in time", exchange=exchange)
    talk.require_alive("a body of 8 MiB")
