"""Operations to requests, and responses to models or errors; no I/O."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import attrs
from infobip_sms_schema import ErrorResponse, HttpInfo, SmsRequest, SmsRequestV1
from infobip_sms_schema import operations as contract
from infobip_sms_schema.constraints import describe_value
from infobip_sms_schema.deadline import until

from infobip_sms.codecs.plain_data import build_plain
from infobip_sms.transport.messages import Headers, Request, Response

from .codecs import XmlOptions, apply_charset, find_wire, get_codec
from .errors import (
    ApiError,
    CallDescription,
    InvalidRequestError,
    InvalidResponseError,
    Violation,
    clear_locals,
)
from .rules import check_model, check_senders, count_national_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infobip_sms_schema import ErrorDetails, SmsResponse, SmsResponseDetails
    from infobip_sms_schema.operations import Operation

    from infobip_sms.auth import Auth

    from .codecs import Wire

Model = TypeVar("Model", bound=attrs.AttrsInstance)
_DEFAULT_XML = XmlOptions()
_ENCODINGS = {"gzip", "x-gzip", "deflate", "br", "zstd"}
_LOG = logging.getLogger("infobip_sms")


def build_request(  # noqa: PLR0913 - the parts of a request
    operation: Operation[Model],
    wire: Wire,
    auth: Auth,
    body: attrs.AttrsInstance | None = None,
    parameters: attrs.AttrsInstance | None = None,
    *,
    xml: XmlOptions = _DEFAULT_XML,
) -> Request:
    """Build the request of an operation; raise InvalidRequestError if body or parameters are invalid."""
    if not isinstance(body, operation.request or type(None)):
        expected = (
            f"a value of type {operation.request.__name__}" if operation.request else "no body"
        )
        raise InvalidRequestError([Violation("", describe_value(body), expected, "HTTP-003")])
    codec = get_codec(wire, xml.engine)
    _require_header(auth)
    headers = Headers({"Authorization": auth.header(), "Accept": codec.CONTENT_TYPE})
    if body is None:
        content = b""
    else:
        headers["Content-Type"] = codec.CONTENT_TYPE
        content = codec.dump_model(body, validate=xml.validate)
        if isinstance(body, SmsRequest | SmsRequestV1):
            _check_messages(body)
    path = _build_path(operation.path, parameters)
    return Request(operation.method, operation.path, path, headers, content)


def parse_response(
    operation: Operation[Model],
    request: Request,
    response: Response,
    wire: Wire,
    *,
    xml: XmlOptions = _DEFAULT_XML,
) -> Model:
    """Parse the response of an operation; raise ApiError or InvalidResponseError.

    What is not read by the deadline of the response is rejected.
    """
    with until(response.deadline):
        return _parse(operation, request, response, wire, xml)


def _parse(
    operation: Operation[Model], request: Request, response: Response, wire: Wire, xml: XmlOptions
) -> Model:
    wire = find_wire(response.headers.get("content-type", "")) or wire
    if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP's own numbers
        raise _build_error(request, response, wire)
    try:
        model = _parse_model(operation, response, wire, xml)
    except InvalidResponseError as error:
        clear_locals(error)  # they hold the body, which may quote the key
        call = _describe_call(request, response, None)
        violations = tuple(_name_encoding(v, response.headers) for v in error.violations)
        raise _build_invalid_response(response, violations, call) from None
    object.__setattr__(model, "http", _build_info(response))  # frozen, but nobody else has it yet
    return model


def get_only_entry(response: SmsResponse) -> SmsResponseDetails:
    """Return the entry of a request with one destination; raise InvalidResponseError if it has none."""
    if not response.messages:
        problem = Violation("messages", "an empty list", "an entry for the message", "RESP-001")
        call = CallDescription(contract.SEND.method, contract.SEND.path, "")
        status = response.http.status if response.http else None
        raise InvalidResponseError((problem,), status, response.raw or b"", call=call)
    sent = response.messages[0]
    object.__setattr__(sent, "http", response.http)  # frozen, but nobody else has it yet
    return sent


def _name_encoding(violation: Violation, headers: Mapping[str, str]) -> Violation:
    """Say of a document that is none how it was compressed, if it was: that may be what is wrong."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if violation.path or encoding in {"", "identity"}:
        return violation
    name = encoding if encoding in _ENCODINGS else "another one"
    return attrs.evolve(violation, actual=f"{violation.actual}, with Content-Encoding: {name}")


def find_extra_names(body: object) -> list[str]:
    """Return the names of the undocumented fields of a valid request."""
    if not isinstance(body, SmsRequest) or not _has_extra(body):
        return []
    from infobip_sms.codecs.extra import list_extra_names  # noqa: PLC0415 - few requests need it

    return list_extra_names(body)


def _has_extra(body: SmsRequest) -> bool:
    messages = body.messages
    own = body.extra is not None or any(message.extra is not None for message in messages)
    return own or any(to.extra is not None for message in messages for to in message.destinations)


def _build_info(response: Response) -> HttpInfo:
    elapsed = sum(attempt.duration + attempt.waited for attempt in response.attempts)
    return HttpInfo(response.status, response.headers, len(response.attempts), elapsed)


def _parse_model(
    operation: Operation[Model], response: Response, wire: Wire, xml: XmlOptions
) -> Model:
    body = response.body
    if wire == "xml":
        body = apply_charset(body, response.headers.get("content-type", ""))
    codec = get_codec(wire, xml.engine)
    model: Model = codec.parse_response(body, operation.response, validate=xml.validate)
    if body is not response.body:
        object.__setattr__(model, "raw", response.body)  # frozen, but nobody else has it yet
    return model


def _check_messages(request: SmsRequest | SmsRequestV1) -> None:
    """Reject senders that nobody means, and warn of numbers without a country code."""
    if problems := check_senders(request):
        raise InvalidRequestError(problems)
    if count := count_national_numbers(request):
        _LOG.warning(
            "%d %s with 0, as no country code does: write the country code"
            " instead of 0, and nothing instead of 00 (SEND-008)",
            count,
            "destination begins" if count == 1 else "destinations begin",
        )


def _build_path(template: str, parameters: attrs.AttrsInstance | None) -> str:
    """Fill in the parameters of the path and append the query, one pair for each value of a list."""
    if parameters is None:
        return template
    if problems := check_model(parameters):
        raise InvalidRequestError(problems)
    fields = {f.metadata["wire"]: f.metadata for f in attrs.fields(type(parameters))}
    plain: dict[str, Any] = build_plain(parameters)
    in_path = {n: quote(v, safe="") for n, v in plain.items() if fields[n].get("in") == "path"}
    query = {name: value for name, value in plain.items() if name not in in_path}
    path = template.format(**in_path)
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def _build_error(
    request: Request, response: Response, wire: Wire
) -> ApiError | InvalidResponseError:
    rejected = 400 <= response.status < 500 or response.status == 503  # noqa: PLR2004 - HTTP's own numbers
    error_response = _find_error_response(response.body, wire)
    call = _describe_call(request, response, error_response)
    if not rejected:
        return _build_invalid_response(response, (), call)
    return ApiError(
        response.status, response.body, response.headers, error_response, response.attempts, call
    )


def _build_invalid_response(
    response: Response, violations: tuple[Violation, ...], call: CallDescription
) -> InvalidResponseError:
    return InvalidResponseError(
        violations, response.status, response.body, response.headers, response.attempts, call
    )


def _describe_call(
    request: Request, response: Response, error: ErrorResponse | None
) -> CallDescription:
    """Return what an error may show; of the server's words, what is left without those sent."""
    from .masking import find_words, list_sent, mask_sent  # noqa: PLC0415 - only errors need it

    sent = list_sent(request)
    words = error.request_error.service_exception if error else None
    foreign = response.status >= 400 and error is None  # noqa: PLR2004 - HTTP's own numbers
    return CallDescription(
        request.method,
        request.route,
        response.host,
        code=mask_sent((words and words.message_id) or "", sent),
        text=mask_sent(find_words(response.body) if foreign else _format_words(words), sent),
        location=mask_sent(_find_redirect(response), sent),
        retry_after=mask_sent(response.headers.get("retry-after", ""), sent),
    )


def _format_words(words: ErrorDetails | None) -> str:
    """Return the server's message, and what it says of each field."""
    if words is None:
        return ""
    fields = (words.validation_errors or {}).items()
    details = "; ".join(f"{path}: {', '.join(problems)}" for path, problems in fields)
    return ": ".join(filter(None, (words.text, details)))


def _find_redirect(response: Response) -> str:
    """Return scheme and host of a redirect, or an empty string."""
    try:
        target = urlsplit(response.headers.get("location", ""))
    except ValueError:
        return ""
    return f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else ""


def _find_error_response(body: bytes, wire: Wire) -> ErrorResponse | None:
    try:
        error: ErrorResponse = get_codec(wire).parse_response(body, ErrorResponse)
    except InvalidResponseError:
        return None
    return error


def _require_header(auth: Auth) -> None:
    """Reject an Authorization header that is not a scheme, one space and visible ASCII."""
    if not re.fullmatch(r"[!-~]+ [!-~]+", auth.header()):
        actual = "characters that are not allowed in a header"
        expected = "a scheme, a space and visible ASCII"
        raise InvalidRequestError([Violation("auth", actual, expected, "AUTH-005")])
