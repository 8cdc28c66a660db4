"""JSON bytes <-> models.

Requests are read strictly and refused with RequestRefused; replies and reports are read openly and
refused with BadReply. The same functions, for XML, are in wire_xml.py.

Lives here: JSON itself, by the standard library (it keeps every digit of a number); orjson writes if
it is installed.
Never here: limits, rules, XML, I/O.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from uuid import uuid4

import attrs
from infobip_sms_schema import ApiError, DeliveryReports, SmsRequest, SmsResponse

from .errors import BadReply, RequestRefused, Violation
from .rules import check_model
from .structure import build_model, build_plain

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT_TYPE = "application/json"
_KEY = re.compile(r'"[0-9a-f]{32}"')
Root = TypeVar("Root", SmsResponse, DeliveryReports, ApiError)


def parse_plain(body: bytes) -> Any:
    """Read a document as it stands; raise RequestRefused if it is not JSON. Nothing is checked."""
    try:
        text = body.decode("utf-8-sig")
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except UnicodeDecodeError as problem:
        _refuse(f"bytes that are not UTF-8 (byte {problem.start})")
    except json.JSONDecodeError as problem:
        got = f"text that is not JSON (line {problem.lineno}, column {problem.colno})"
        _refuse(got if body.strip() else "an empty body")
    except RecursionError:
        _refuse("JSON that is nested too deeply")
    except (ValueError, ArithmeticError):
        _refuse("JSON with a number that cannot be held")


def parse_sms_request(body: bytes) -> SmsRequest:
    """Read a request strictly; raise RequestRefused with every violation."""
    return build_model(parse_plain(body), SmsRequest, strict=True)


def parse_sms_response(body: bytes) -> SmsResponse:
    """Read the reply to a send request openly; raise BadReply with every violation."""
    return _parse_reply(body, SmsResponse)


def parse_delivery_reports(body: bytes) -> DeliveryReports:
    """Read delivery reports openly, pushed or fetched; raise BadReply with every violation."""
    return _parse_reply(body, DeliveryReports)


def parse_api_error(body: bytes) -> ApiError:
    """Read the body of a refusal openly; raise BadReply with every violation."""
    return _parse_reply(body, ApiError)


def dump_sms_request(request: SmsRequest) -> bytes:
    """Write a request; raise RequestRefused if it breaks a rule."""
    return _dump(request)


def dump_sms_response(response: SmsResponse) -> bytes:
    """Write the reply to a send request; raise RequestRefused if it breaks a rule."""
    return _dump(response)


def dump_delivery_reports(reports: DeliveryReports) -> bytes:
    """Write delivery reports; raise RequestRefused if they break a rule."""
    return _dump(reports)


def dump_api_error(error: ApiError) -> bytes:
    """Write the body of a refusal; raise RequestRefused if it breaks a rule."""
    return _dump(error)


def _parse_reply(body: bytes, cls: type[Root]) -> Root:
    try:
        return attrs.evolve(build_model(parse_plain(body), cls, strict=False), raw=bytes(body))
    except RequestRefused as problem:
        raise BadReply(problem.violations, body=body) from None


def _refuse(got: str) -> NoReturn:
    raise RequestRefused([Violation("", got, "a JSON document", "HTTP-003")]) from None


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _dump(model: attrs.AttrsInstance) -> bytes:
    if problems := check_model(model):
        raise RequestRefused(problems)
    return _find_writer()(build_plain(model))


def _write_standard(plain: Any) -> bytes:
    """Write plain data; a Decimal keeps its digits, which the standard encoder has no way to say."""
    numbers: dict[str, str] = {}

    def hold(value: Any) -> str:
        if not isinstance(value, Decimal):
            raise TypeError(type(value))
        key = uuid4().hex
        numbers[f'"{key}"'] = f"{value:f}"
        return key

    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), default=hold)
    return _KEY.sub(lambda found: numbers.get(found[0], found[0]), text).encode()


@cache
def _find_writer() -> Callable[[Any], bytes]:
    try:
        import orjson  # noqa: PLC0415 - optional: the extra fast
    except ImportError:
        return _write_standard

    def write(plain: Any) -> bytes:
        try:
            return orjson.dumps(plain, default=lambda number: orjson.Fragment(f"{number:f}"))
        except TypeError:  # a number beyond 64 bits
            return _write_standard(plain)

    return write
