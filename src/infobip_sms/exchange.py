"""Operations to requests, and responses to models or errors; no I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import attrs
from infobip_sms_schema import ErrorResponse
from infobip_sms_schema.constraints import describe_value

from infobip_sms.codecs.plain_data import build_plain
from infobip_sms.transport.messages import Headers, Request, Response

from .codecs import XmlOptions, apply_charset, find_wire, get_codec
from .errors import (
    ApiError,
    InvalidRequestError,
    InvalidResponseError,
    Violation,
    clear_locals,
)
from .rules import check_model

if TYPE_CHECKING:
    from infobip_sms_schema.operations import Operation

    from infobip_sms.auth import Auth

    from .codecs import Wire

Model = TypeVar("Model", bound=attrs.AttrsInstance)
_DEFAULT_XML = XmlOptions()


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
    path = _build_path(operation.path, parameters)
    return Request(operation.method, operation.path, path, headers, content)


def parse_response(
    operation: Operation[Model], response: Response, wire: Wire, *, xml: XmlOptions = _DEFAULT_XML
) -> Model:
    """Parse the response of an operation; raise ApiError or InvalidResponseError."""
    wire = find_wire(response.headers.get("content-type", "")) or wire
    if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP's own numbers
        raise _build_error(response, wire)
    try:
        return _parse_model(operation, response, wire, xml)
    except InvalidResponseError as error:
        clear_locals(error)  # they hold the body, which may quote the key
        raise _build_invalid_response(response, error.violations) from None


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


def _build_error(response: Response, wire: Wire) -> ApiError | InvalidResponseError:
    rejected = 400 <= response.status < 500 or response.status == 503  # noqa: PLR2004 - HTTP's own numbers
    if not rejected:
        return _build_invalid_response(response, ())
    error_response = _find_error_response(response.body, wire)
    return ApiError(
        response.status, response.body, response.headers, error_response, response.attempts
    )


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


def _require_header(auth: Auth) -> None:
    """Reject an Authorization header that is not a scheme, one space and visible ASCII."""
    if not re.fullmatch(r"[!-~]+ [!-~]+", auth.header()):
        actual = "characters that are not allowed in a header"
        expected = "a scheme, a space and visible ASCII"
        raise InvalidRequestError([Violation("auth", actual, expected, "AUTH-005")])
