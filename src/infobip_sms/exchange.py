"""A call as a description of its request, and a response as a model or an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import attrs
from infobip_sms_schema import ErrorResponse
from infobip_sms_schema.constraints import describe_value

from infobip_sms.codecs.plain_data import build_plain
from infobip_sms.transport.messages import Request, Response

from .codecs import XmlOptions, find_wire, get_codec
from .errors import ApiError, InvalidRequestError, InvalidResponseError, Violation
from .rules import check_model

if TYPE_CHECKING:
    from infobip_sms_schema.operations import Operation

    from infobip_sms.auth import Auth

    from .codecs import Wire

Model = TypeVar("Model", bound=attrs.AttrsInstance)
_DEFAULT_XML = XmlOptions()


def build_request(  # noqa: PLR0913 - what a call is made of
    operation: Operation[Model],
    wire: Wire,
    auth: Auth,
    body: attrs.AttrsInstance | None = None,
    parameters: attrs.AttrsInstance | None = None,
    *,
    xml: XmlOptions = _DEFAULT_XML,
) -> Request:
    """Describe a call of an operation; raise InvalidRequestError if its body or a parameter breaks a rule."""
    if not isinstance(body, operation.request or type(None)):
        expected = f"of the type {operation.request.__name__}" if operation.request else "no body"
        raise InvalidRequestError([Violation("", describe_value(body), expected, "HTTP-003")])
    codec = get_codec(wire, xml.engine)
    headers = {"Authorization": _require_header_value(auth.header()), "Accept": codec.CONTENT_TYPE}
    if body is None:
        written = b""
    else:
        headers["Content-Type"] = codec.CONTENT_TYPE
        written = codec.dump_model(body, validate=xml.validate)
    path = _build_path(operation.path, parameters)
    return Request(operation.method, operation.path, path, headers, written)


def parse_response(
    operation: Operation[Model], response: Response, wire: Wire, *, xml: XmlOptions = _DEFAULT_XML
) -> Model:
    """Return the answer of an operation; raise ApiError or InvalidResponseError."""
    wire = find_wire(response.headers.get("content-type", "")) or wire
    if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP's own numbers
        raise _build_error(response, wire)
    try:
        codec = get_codec(wire, xml.engine)
        answer: Model = codec.parse_response(
            response.body, operation.response, validate=xml.validate
        )
    except InvalidResponseError as problem:
        raise _build_invalid_response(response, problem.violations) from None
    return answer


def _build_path(template: str, parameters: attrs.AttrsInstance | None) -> str:
    """Fill in the parameters of a path, and put those of the query behind it; each value of a list apart."""
    if parameters is None:
        return template
    if problems := check_model(parameters):
        raise InvalidRequestError(problems)
    fields = {f.metadata["wire"]: f.metadata for f in attrs.fields(type(parameters))}
    plain: dict[str, Any] = build_plain(parameters)
    inside = {n: quote(v, safe="") for n, v in plain.items() if fields[n].get("in") == "path"}
    query = {name: value for name, value in plain.items() if name not in inside}
    path = template.format(**inside)
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def _build_error(response: Response, wire: Wire) -> ApiError | InvalidResponseError:
    refused = 400 <= response.status < 500 or response.status == 503  # noqa: PLR2004 - HTTP's own numbers
    if not refused:
        return _build_invalid_response(response, ())
    said = _find_error_response(response.body, wire)
    return ApiError(response.status, response.body, response.headers, said, response.attempts)


def _build_invalid_response(
    response: Response, violations: tuple[Violation, ...]
) -> InvalidResponseError:
    return InvalidResponseError(
        violations, response.status, response.body, response.headers, response.attempts
    )


def _find_error_response(body: bytes, wire: Wire) -> ErrorResponse | None:
    try:
        error: ErrorResponse = get_codec(wire).parse_response(body, ErrorResponse)
    except InvalidResponseError:
        return None
    return error


def _require_header_value(value: str) -> str:
    """Return an Authorization header: a scheme, one space, and visible ASCII without another."""
    scheme, _, secret = value.partition(" ")
    if scheme and secret and " " not in secret and value.isascii() and value.isprintable():
        return value
    got, expected = "characters that a header cannot carry", "a scheme, a space and visible ASCII"
    raise InvalidRequestError([Violation("auth", got, expected, "AUTH-005")])
