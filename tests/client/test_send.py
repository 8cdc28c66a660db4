"""The client against scripted servers: what goes over the wire."""

from __future__ import annotations

import base64
import json
import socket
import threading
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms import (
    ApiError,
    ApiKey,
    Basic,
    Bearer,
    Client,
    IbssoToken,
)

if TYPE_CHECKING:
    from infobip_sms import Auth
    from tests.client.calls import Serve
    from tests.fakes.scripted_server import ReceivedRequest


from tests.client.calls import (
    AUTH,
    NEVER,
    OK,
    OK_IN,
    SEND,
    TYPES,
    ask,
    both,
    entry,
    example,
    reply,
    send,
    write,
)


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
        responses = [client.send(ask(), wire=of_call), client.send(ask())]
    assert responses[0] == responses[1]
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
    """Five sends, rejected ones among them, go over one connection, which does not delay them."""
    unauthorized = reply(example("unauthorized-error"), 401)
    server = serve("hear", OK, "hear", unauthorized, "hear", OK, "hear", OK, "hear", OK)
    with Client(server.url, auth=AUTH) as client:
        client.send(ask())
        with pytest.raises(ApiError):
            client.send(ask())
        for _ in range(3):
            client.send(ask())
        (connection,) = client._connections._idle
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


def test_eight_threads_get_their_own_responses(serve: Serve) -> None:
    """Of eight threads that send at the same time, each gets the response to its own request."""
    all_there = threading.Barrier(8)

    def respond(request: ReceivedRequest) -> bytes:
        all_there.wait(NEVER)
        to = json.loads(request.body)["messages"][0]["destinations"][0]["to"]
        return reply(write({"messages": [entry(to=to)]}, "json"))

    server = serve("hear", respond)
    phones = [str(41793026000 + number) for number in range(8)]
    with (
        Client(server.url, auth=AUTH, timeout=NEVER) as client,
        ThreadPoolExecutor(len(phones)) as threads,
    ):
        for _ in range(3):
            recipients = threads.map(lambda phone: client.send(ask(phone)).messages[0].to, phones)
            assert list(recipients) == phones
    assert len(server.finish()) == 24
    assert server.connections == 8
