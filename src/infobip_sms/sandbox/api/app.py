"""Handles one request: a request, a state and an instant in, a response out.

    response = App(settings).handle(request, state, now)

Transitions due by ``now`` are applied first. A rejected request changes nothing in ``state`` but the
count of requests.
"""

from __future__ import annotations

import base64
import hmac
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs
from infobip_sms_schema import (
    ErrorDetails,
    ErrorResponse,
    ErrorResponseBody,
    InvalidRequestError,
    Message,
    SmsRequest,
    SmsRequestV1,
    SmsResponse,
    SmsResponseV1,
    Violation,
)
from infobip_sms_schema.operations import (
    FETCH_DELIVERY_REPORTS,
    GET_LOGS,
    GET_SCHEDULED,
    GET_SCHEDULED_STATUS,
    PREVIEW,
    RECORD_CONVERSION,
    RESCHEDULE,
    SEND,
    SEND_V1,
    SET_SCHEDULED_STATUS,
)

from infobip_sms.codecs import (
    apply_charset,
    explain_json_charset,
    find_wire,
    get_codec,
    identify_encoding,
)
from infobip_sms.sandbox.clock import to_utc
from infobip_sms.sandbox.lifecycle.delivery_windows import is_over_midnight
from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.lifecycle.representations import REPLACED, dump_replaced
from infobip_sms.sandbox.lifecycle.webhooks import pop_webhook_requests, record_webhook_result

from . import bulks, lookups, texts, tracking
from .http import (
    HttpError,
    HttpRequest,
    HttpResponse,
    OperationContext,
    OperationResult,
    build_bad_request,
    choose_wire,
)
from .partial_rejection import parse_partially
from .remarks import HEADER, Remarks
from .routing import parse_parameters, resolve_operation
from .send import SendHandler, Submission, build_submission

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from infobip_sms_schema import MessageV1

    from infobip_sms.codecs import Wire
    from infobip_sms.sandbox.config import SandboxSettings
    from infobip_sms.sandbox.lifecycle.webhooks import WebhookRequest, WebhookResult
    from infobip_sms.sandbox.state.state import State

    from .routing import AnyOperation


_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}", re.IGNORECASE)


@attrs.frozen
class ParsedInput:
    """The body and the parameters of a request, or why they are rejected."""

    body: Any = None
    parameters: Any = None
    error: HttpError | None = None

    def get(self) -> tuple[Any, Any]:
        """Return body and parameters; raise HttpError if they are rejected."""
        if self.error is not None:
            raise self.error
        return self.body, self.parameters


class App:
    """The behavior of one sandbox; a subclass may override each step."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings, self.remarks = settings, Remarks()

    def handle(
        self,
        request: HttpRequest,
        state: State,
        now: dt.datetime,
        parsed: ParsedInput | None = None,
    ) -> HttpResponse:
        """Return the response to one request.

        parsed: what ``parse_request`` returned for it, if that was called before.
        """
        now = to_utc(now)
        advance(state, now, self.settings)
        if response := tracking.follow_link(request, state):
            return response
        wire = self.choose_response_wire(request)
        try:
            operation, _ = resolve_operation(request, self.settings)
            self.require_authorization(request)
            self.require_rate_limit(state, now)
            body, parameters = (parsed or self.parse_request(request)).get()
            base_url = f"http://{request.headers.get('host', 'localhost')}"
            context = OperationContext(body, parameters, state, now, base_url)
            result = self.run_operation(operation, context)
            content, headers = self.dump_result(result, wire)
        except HttpError as error:
            return self.build_error_response(error, wire)
        state.put(result.rows)
        state.serial = state.serial if result.serial is None else result.serial
        response = self.build_response(200, content, wire)
        response.headers.update(headers)
        return response

    def is_acceptable(self, head: HttpRequest) -> bool:
        """Return whether a request without its body is for an operation, and authorized."""
        try:
            resolve_operation(head, self.settings)
            self.require_authorization(head)
        except HttpError:
            return False
        return True

    def parse_request(self, request: HttpRequest) -> ParsedInput:
        """Return the parsed body and parameters of a request; depends on nothing that changes, so any thread may call it."""
        try:
            operation, path_values = resolve_operation(request, self.settings)
            return ParsedInput(*self.parse_input(operation, path_values, request))
        except HttpError as error:
            return ParsedInput(error=error)

    def require_authorization(self, request: HttpRequest) -> None:
        """Reject a request without the credentials of the account (AUTH-001 to AUTH-004)."""
        header = request.headers.get("authorization", "").strip()
        scheme, _, secret = header.partition(" ")
        if not self.is_authorized(scheme.lower(), secret.strip()):
            headers = {
                "www-authenticate": 'Basic realm="sandbox"',
                HEADER: self.remarks.note_credentials(header, self.settings),
            }
            raise HttpError(401, "UNAUTHORIZED", "Invalid login details", headers=headers)

    def is_authorized(self, scheme: str, secret: str) -> bool:
        """Return whether a scheme and its credentials belong to the account."""
        account = self.settings
        if scheme == "basic" and account.user is not None:
            pair = f"{account.user}:{account.password}".encode()
            return hmac.compare_digest(base64.b64encode(pair), secret.encode())
        if scheme == "app" and account.api_key is not None:
            return hmac.compare_digest(account.api_key.encode(), secret.encode())
        return False

    def require_rate_limit(self, state: State, now: dt.datetime) -> None:
        """Reject requests above the rate limit, per second of the clock."""
        if self.settings.rate is None:
            return
        second = int(now.timestamp())
        count = state.second[1] + 1 if state.second[0] == second else 1
        state.second = (second, count)
        if count > self.settings.rate:
            headers = {"retry-after": "1"}
            raise HttpError(429, "TOO_MANY_REQUESTS", "Too many requests", headers=headers)

    def choose_response_wire(self, request: HttpRequest) -> Wire:
        """Return the format of the response: the one that Accept prefers, else that of the request."""
        default = find_wire(request.headers.get("content-type", "")) or "json"
        return choose_wire(request.headers.get("accept", ""), default)

    def parse_input(
        self, operation: AnyOperation, path_values: dict[str, str], request: HttpRequest
    ) -> tuple[Any, Any]:
        """Return the body and the parameters of a request."""
        try:
            parameters = parse_parameters(operation, path_values, request.query)
        except InvalidRequestError as problem:
            raise build_bad_request(problem.violations) from None
        body = None if operation.request is None else self.parse_body(operation, request)
        if isinstance(body, Submission):
            self.require_destination_limit(body)
        return body, parameters

    def require_destination_limit(self, submission: Submission) -> None:
        """Reject a request with too many destinations; Infobip documents no limit."""
        count, limit = len(submission.destinations), self.settings.max_destinations
        if count > limit:
            text = f"The request has {count} destinations; this sandbox accepts {limit} per request"
            raise HttpError(400, "BAD_REQUEST", text)

    def parse_body(self, operation: AnyOperation, request: HttpRequest) -> Any:
        """Parse a request body, or reject it with all its violations (HTTP-002)."""
        wire = find_wire(request.headers.get("content-type", ""))
        if wire is None:
            got = describe_content_type(request.headers.get("content-type", ""))
            text = f"Content-Type: expected application/json or application/xml, got {got}"
            raise self.build_unsupported(text)
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise self.build_unsupported("Content-Encoding: expected an uncompressed body")
        content = self.decode_body(request, wire)
        try:
            body = get_codec(wire).parse_request(content, operation.request)
        except InvalidRequestError as problem:
            violations = explain_encoding(request, wire, problem.violations)
            request = attrs.evolve(request, body=content)
            return self.handle_invalid(operation, request, wire, violations)
        if not isinstance(body, SmsRequest | SmsRequestV1):
            return body
        self.remarks.note_request(content, body)
        if problems := self.check_windows(body):
            return self.handle_invalid(operation, request, wire, problems)
        return self.to_submission(body, wire)

    def decode_body(self, request: HttpRequest, wire: Wire) -> bytes:
        """Return the body; XML in the charset of its Content-Type is decoded, JSON is always UTF-8."""
        content_type = request.headers.get("content-type", "")
        return apply_charset(request.body, content_type) if wire == "xml" else request.body

    def build_unsupported(self, text: str) -> HttpError:
        """Return the error for a body of a kind that is not supported (READ-017)."""
        status = int(self.settings.get_reading("READ-017"))
        return HttpError(status, "BAD_REQUEST" if status == 400 else "UNSUPPORTED_MEDIA_TYPE", text)

    def to_submission(
        self,
        request: SmsRequest | SmsRequestV1,
        wire: Wire,  # noqa: ARG002 - for subclasses
    ) -> Submission:
        """Return a valid request as a submission."""
        return build_submission(request)

    def handle_invalid(
        self,
        operation: AnyOperation,
        request: HttpRequest,
        wire: Wire,
        violations: tuple[Violation, ...],
    ) -> Any:
        """Reject an invalid request, or only its invalid destinations (READ-001)."""
        kind = operation.request
        if self.settings.get_reading("READ-001") == "200" and kind in {SmsRequest, SmsRequestV1}:
            with suppress(InvalidRequestError):  # a body that cannot be parsed has no destinations
                plain = get_codec(wire).parse_plain(request.body, kind)
                if submission := parse_partially(plain, kind, violations, self.check_window):
                    return submission
        raise build_bad_request(violations)

    def check_windows(self, request: SmsRequest | SmsRequestV1) -> tuple[Violation, ...]:
        """Return a violation for each message with a rejected window."""
        found = enumerate(map(self.check_window, request.messages))
        return tuple(p.inside(f"messages[{index}]") for index, problems in found for p in problems)

    def check_window(self, message: Message | MessageV1) -> list[Violation]:
        """Return a violation if the window closes before it opens and this is rejected (READ-008)."""
        window = message.delivery_time_window
        rejected = self.settings.get_reading("READ-008") == "rejected"
        if not (rejected and window and is_over_midnight(window)):
            return []
        wire = attrs.fields_dict(Message)["delivery_time_window"].metadata["wire"]
        actual, expected = "a window that closes before it opens", "a to that is later than from"
        return [Violation(wire, actual, expected, "WIN-008")]

    def run_operation(self, operation: AnyOperation, context: OperationContext) -> OperationResult:
        """Run the handler of an operation."""
        return HANDLERS[operation.name](self, context)

    def accept(self, submission: Submission, context: OperationContext) -> OperationResult:
        """Return an entry for every destination, in order (RESP-001 to RESP-010)."""
        handler = SendHandler(self.settings, context.state, context.now, context.base_url)
        return handler.accept(submission)

    def pop_webhook_requests(
        self, state: State, now: dt.datetime, limit: int | None = None
    ) -> list[WebhookRequest]:
        """Return the reports to be posted now; each then awaits its result (DLR-001)."""
        return pop_webhook_requests(state, now, self.settings, limit)

    def record_webhook_result(
        self, state: State, serial: int, result: WebhookResult, now: dt.datetime
    ) -> None:
        """Record the response of a callback server to a report (DLR-006)."""
        record_webhook_result(state, serial, result, now)

    def dump_result(self, result: OperationResult, wire: Wire) -> tuple[bytes, dict[str, str]]:
        """Return the body of a response, and a header if characters that XML cannot represent were replaced.

        A send request is rejected instead, since its ids must come back as they were (TEXT-002).
        """
        try:
            return get_codec(wire).dump_model(result.response), {}
        except InvalidRequestError as problem:
            if isinstance(result.response, SmsResponse | SmsResponseV1):
                raise build_bad_request(problem.violations) from None
        return dump_replaced(result.response, wire), {HEADER: REPLACED}

    def build_error_response(self, http_error: HttpError, wire: Wire) -> HttpResponse:
        """Return a response with an error body (ERR-001, READ-009)."""
        errors: dict[str, list[str]] = {}
        for problem in http_error.violations:
            text = str(attrs.evolve(problem, path="")).partition(": ")[2]
            errors.setdefault(problem.path or "document", []).append(text)
        exception = ErrorDetails(
            message_id=http_error.code, text=http_error.text, validation_errors=errors or None
        )
        error = ErrorResponse(request_error=ErrorResponseBody(service_exception=exception))
        response = self.build_response(http_error.status, get_codec(wire).dump_model(error), wire)
        response.headers.update(http_error.headers)
        return response

    def build_response(self, status: int, body: bytes, wire: Wire) -> HttpResponse:
        """Return a response with a body."""
        return HttpResponse(
            status, {"content-type": f"{get_codec(wire).CONTENT_TYPE};charset=UTF-8"}, body
        )


HANDLERS: dict[str, Callable[[App, OperationContext], OperationResult]] = {
    SEND.name: lambda app, q: app.accept(q.body, q),
    SEND_V1.name: lambda app, q: app.accept(q.body, q),
    FETCH_DELIVERY_REPORTS.name: lambda app, q: lookups.get_reports(
        q.parameters, q.state, q.now, app.settings
    ),
    GET_LOGS.name: lambda app, q: lookups.get_logs(q.parameters, q.state, q.now, app.settings),
    PREVIEW.name: lambda _, q: OperationResult(texts.preview(q.body)),
    GET_SCHEDULED.name: lambda _, q: bulks.get_bulk(q.parameters.bulk_id, q.state),
    RESCHEDULE.name: lambda app, q: bulks.move_bulk(
        q.parameters.bulk_id, q.body.send_at, q.state, q.now, app.settings
    ),
    GET_SCHEDULED_STATUS.name: lambda _, q: bulks.get_bulk_status(
        q.parameters.bulk_id, q.state, q.now
    ),
    SET_SCHEDULED_STATUS.name: lambda app, q: bulks.set_bulk_status(
        q.parameters.bulk_id, q.body.status, q.state, q.now, app.settings
    ),
    RECORD_CONVERSION.name: lambda _, q: tracking.count_conversion(
        q.parameters.message_id, q.state
    ),
}
"""The handler of each operation; sending goes through a method that a subclass may override."""


def describe_content_type(value: str) -> str:
    """Return a media type without its parameters, if it has the form of one."""
    media = value.partition(";")[0].strip()
    return media if _MEDIA_TYPE.fullmatch(media) else "another" if media else "nothing"


def explain_encoding(
    request: HttpRequest, wire: Wire, violations: tuple[Violation, ...]
) -> tuple[Violation, ...]:
    """Return the violations; the one of a body that is not a document says how the body is encoded."""
    first = violations[0]
    if first.path or first.requirement_id != "HTTP-003":
        return violations
    charset = (
        explain_json_charset(request.headers.get("content-type", "")) if wire == "json" else ""
    )
    actual = identify_encoding(request.body) or first.actual
    return (
        attrs.evolve(first, actual=f"{actual} ({charset})" if charset else actual),
        *violations[1:],
    )
