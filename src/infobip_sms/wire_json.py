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

from .errors import BadReply, RequestRefused, Violation
from .rules import check_model
from .structure import build_model, build_plain

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT_TYPE = "application/json"
_KEY = re.compile(r'"[0-9a-f]{32}"')
Model = TypeVar("Model", bound=attrs.AttrsInstance)


def parse_plain(body: bytes, cls: type[attrs.AttrsInstance]) -> Any:  # noqa: ARG001 - as for XML
    """Read a document of this model as it stands; raise RequestRefused if it is not JSON.

    Nothing is checked.
    """
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


def parse_request(body: bytes, cls: type[Model]) -> Model:
    """Read a request of this model strictly; raise RequestRefused with every violation."""
    return build_model(parse_plain(body, cls), cls, strict=True)


def parse_reply(body: bytes, cls: type[Model]) -> Model:
    """Read a reply of this model openly; raise BadReply with every violation.

    ``raw`` of the model holds the bytes.
    """
    try:
        model = build_model(parse_plain(body, cls), cls, strict=False)
    except RequestRefused as problem:
        raise BadReply(problem.violations, body=body) from None
    return attrs.evolve(model, raw=bytes(body))  # type: ignore[misc]  # every reply has raw


def dump_model(model: attrs.AttrsInstance) -> bytes:
    """Write a request or a reply; raise RequestRefused if it breaks a rule."""
    if problems := check_model(model):
        raise RequestRefused(problems)
    return _find_writer()(build_plain(model))


def _refuse(got: str) -> NoReturn:
    raise RequestRefused([Violation("", got, "a JSON document", "HTTP-003")]) from None


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


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
