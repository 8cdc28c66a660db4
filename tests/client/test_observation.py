"""What operations see of a client: a call for each attempt, and spans; none has a value of a request."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from infobip_sms import ApiError, Attempt, Client, Error, Retry, TransportError
from infobip_sms.otel import TracedClient
from tests.client.calls import AUTH, NEVER, SHOWN_NOWHERE, ask, example, reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.client.calls import Serve

ROUTE = "POST /sms/2/text/advanced"
BUSY = reply(b"{}", 429)
QUICK = Retry(wait_initial=0.001, wait_max=0.001)


@pytest.fixture(name="get_spans")
def fixture_get_spans(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], tuple[ReadableSpan, ...]]]:
    """Collect spans in memory."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter.get_finished_spans
    provider.shutdown()


def test_each_attempt_is_told_with_its_route_outcome_and_time(serve: Serve) -> None:
    """A rejected attempt and the one after it are two calls, with all that Attempt has."""
    seen: list[tuple[str, Attempt]] = []
    server = serve("hear", BUSY, "hear", reply(example("documented-response")))
    with Client(
        server.url,
        auth=AUTH,
        timeout=NEVER,
        retry=QUICK,
        on_attempt=lambda route, attempt: seen.append((route, attempt)),
    ) as client:
        client.send(ask())
    server.finish()

    assert [route for route, _ in seen] == [ROUTE, ROUTE]
    assert [(a.serial, a.outcome) for _, a in seen] == [(1, "HTTP 429"), (2, "HTTP 200")]
    assert all(attempt.duration > 0 for _, attempt in seen)
    assert not SHOWN_NOWHERE.search(repr(seen))


def test_what_on_attempt_raises_disturbs_no_call(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """The response is returned, and the log names the class of the error alone."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("hunter2")

    server = serve("hear", reply(example("documented-response")))
    with Client(server.url, auth=AUTH, timeout=NEVER, on_attempt=fail) as client:
        assert client.send(ask()).messages
    server.finish()

    assert "on_attempt raised ZeroDivisionError" in caplog.text
    assert "hunter2" not in caplog.text


def test_on_attempt_is_a_function() -> None:
    """Anything else is rejected when the client is made."""
    wrong: Any = "print"
    with pytest.raises(ValueError, match="on_attempt: expected a function, or None"):
        Client(auth=AUTH, on_attempt=wrong)


def test_each_attempt_is_a_span_with_the_attributes_of_http(serve: Serve, get_spans: Any) -> None:
    """The second is a resend, the first an error, and each request carries its own span."""
    server = serve("hear", BUSY, "hear", reply(example("documented-response")))
    with TracedClient(server.url, auth=AUTH, timeout=NEVER, retry=QUICK) as client:
        client.send(ask())
    requests = server.finish()
    first, second = get_spans()

    assert first.name == second.name == ROUTE
    assert first.kind is SpanKind.CLIENT
    assert first.attributes == {
        "http.request.method": "POST",
        "url.template": "/sms/2/text/advanced",
        "url.full": f"{server.url}/sms/2/text/advanced",
        "server.address": "127.0.0.1",
        "server.port": int(server.url.rpartition(":")[2]),
        "http.response.status_code": 429,
        "error.type": "429",
    }
    assert (first.status.status_code, second.status.status_code) == (
        StatusCode.ERROR,
        StatusCode.UNSET,
    )
    assert second.attributes["http.request.resend_count"] == 1
    assert [request.find("traceparent")[:-3] for request in requests] == [
        f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}" for span in (first, second)
    ]


@pytest.mark.parametrize(
    ("play", "error", "kind"),
    [
        (reply(b"{}", 401), ApiError, "401"),
        (b"", TransportError, "TransportError"),
    ],
)
def test_no_span_has_a_text_number_or_key(
    serve: Serve, get_spans: Any, play: bytes, error: type[Error], kind: str
) -> None:
    """Whatever happens, what is seen of it has no value of the request; queries are left out."""
    server = serve("hear", play)
    with (
        TracedClient(server.url, auth=AUTH, timeout=1, retry=None) as client,
        pytest.raises(error),
    ):
        client.get_logs(to="41793026727")
    server.finish()
    (span,) = get_spans()

    assert span.attributes["error.type"] == kind
    assert span.attributes["url.full"] == f"{server.url}/sms/1/logs"
    assert not SHOWN_NOWHERE.search(span.to_json())


def test_a_traced_client_is_pickled_as_one() -> None:
    """The other process traces, too."""
    with (
        TracedClient("http://127.0.0.1:9", auth=AUTH) as client,
        pickle.loads(pickle.dumps(client)) as other,  # noqa: S301 - our own bytes
    ):
        assert type(other) is TracedClient
