"""A client that makes OpenTelemetry spans; needs the extra ``otel``."""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    from opentelemetry import propagate, trace
    from opentelemetry.trace import SpanKind, StatusCode
except ModuleNotFoundError as _error:
    _message = "opentelemetry is not installed; run: pip install 'infobip-sms[otel]'"
    raise ModuleNotFoundError(_message, name=_error.name) from None

from .client import Client
from .errors import InvalidResponseError
from .transport.messages import Headers, Request, Response

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from .transport.retry import AttemptFailure

_FIRST_ERROR = 400  # HTTP's own number


class TracedClient(Client):
    """A Client that makes a span for each attempt, with the standard attributes of HTTP clients.

    Takes the arguments of Client and uses the global tracer provider. The request carries the span in
    the header ``traceparent``. URLs have neither query nor IDs: no span has a text, number or key.
    """

    def _attempt(
        self, request: Request, timeout: float, earlier: int
    ) -> Response | InvalidResponseError | AttemptFailure:
        server = self._connections.server
        attributes: dict[str, str | int] = {
            "http.request.method": request.method,
            "url.template": request.route,
            "url.full": f"{server.url}{request.route}",
            "server.address": server.host,
            "server.port": server.port,
        }
        if earlier:
            attributes["http.request.resend_count"] = earlier
        tracer = trace.get_tracer("infobip_sms")
        name = f"{request.method} {request.route}"
        with tracer.start_as_current_span(
            name,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            headers = Headers(request.headers)
            propagate.inject(headers)
            carried = Request(request.method, request.route, request.path, headers, request.body)
            result = super()._attempt(carried, timeout, earlier)
            _describe_result(span, result)
            return result


def _describe_result(span: Span, result: Response | InvalidResponseError | AttemptFailure) -> None:
    if isinstance(result, Response):
        span.set_attribute("http.response.status_code", result.status)
        error = str(result.status) if result.status >= _FIRST_ERROR else ""
    elif isinstance(result, InvalidResponseError):
        error = "InvalidResponseError"
    else:
        error = "TransportError"
    if error:
        span.set_attribute("error.type", error)
        span.set_status(StatusCode.ERROR)
