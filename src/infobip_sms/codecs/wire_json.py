"""JSON bytes <-> models.

Requests are read strictly and rejected with InvalidRequestError; responses and reports are read openly and
rejected with InvalidResponseError. The same functions, for XML, are in wire_xml.py.
"""

from __future__ import annotations

import json
import os
import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import attrs
from infobip_sms_schema.scalars import ChunkedList

from infobip_sms.errors import InvalidRequestError, InvalidResponseError, Violation
from infobip_sms.rules import check_model

from .plain_data import build_model, build_plain, get_decimal_models, make_converter, make_writers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

CONTENT_TYPE = "application/json"
_PLACEHOLDER = re.compile(r'"[0-9a-f]{32}"')
Model = TypeVar("Model", bound=attrs.AttrsInstance)


def parse_plain(body: bytes, cls: type[attrs.AttrsInstance]) -> Any:  # noqa: ARG001 - as for XML
    """Read a document of this model as it stands; raise InvalidRequestError if it is not JSON.

    Nothing is checked.
    """
    try:
        return _DECODER.decode(body.decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        _raise_invalid(f"bytes that are not UTF-8 (byte {problem.start})")
    except json.JSONDecodeError as problem:
        got = f"text that is not JSON (line {problem.lineno}, column {problem.colno})"
        _raise_invalid(got if body.strip() else "an empty body")
    except RecursionError:
        _raise_invalid("JSON that is nested too deeply")
    except (ValueError, ArithmeticError):
        _raise_invalid("JSON with a number that cannot be held")


def parse_request(body: bytes, cls: type[Model], *, validate: bool = False) -> Model:  # noqa: ARG001 - as for XML
    """Read a request of this model strictly; raise InvalidRequestError with every violation."""
    return _parse(body, cls, strict=True)


def parse_response(body: bytes, cls: type[Model], *, validate: bool = False) -> Model:  # noqa: ARG001 - as for XML
    """Read a response of this model openly; raise InvalidResponseError with every violation.

    ``raw`` of the model holds the bytes.
    """
    try:
        model = _parse(body, cls, strict=False)
    except InvalidRequestError as problem:
        raise InvalidResponseError(problem.violations, body=body) from None
    object.__setattr__(model, "raw", bytes(body))  # it is new: nobody has seen it without
    return model


def dump_model(model: attrs.AttrsInstance, *, validate: bool = False) -> bytes:  # noqa: ARG001 - as for XML
    """Write a request or a response; raise InvalidRequestError if it breaks a rule."""
    try:
        return _get_writer()(model)
    except Exception:  # noqa: BLE001 - whatever it was, the check says it with its path
        if problems := check_model(model):
            raise InvalidRequestError(problems) from None
    return _get_writer()(build_plain(model))


def _parse(body: bytes, cls: type[Model], *, strict: bool) -> Model:
    if (fast := _find_orjson()) and cls not in get_decimal_models():
        try:
            model: Model = make_converter(strict=strict).structure(fast.loads(body), cls)
        except Exception:  # noqa: BLE001, S110 - the standard library reads what orjson does not
            pass
        else:
            return model
    return build_model(parse_plain(body, cls), cls, strict=strict)


def _raise_invalid(actual: str) -> NoReturn:
    raise InvalidRequestError([Violation("", actual, "a JSON document", "HTTP-003")]) from None


def _raise_value_error(_: str) -> NoReturn:
    raise ValueError


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_raise_value_error)


def _write_standard(plain: Any) -> bytes:
    """Write models or plain data."""
    return _write_text(plain).encode()


def _write_text(plain: Any) -> str:
    """Write models or plain data: digits of a Decimal, and pieces of a list, by way of keys for them."""
    texts: dict[str, str] = {}
    writers = _standard_writers()

    def write(value: Any) -> Any:
        kind = type(value)
        written = writers[kind](value)
        if kind is not Decimal and kind is not ChunkedList:
            return written
        key = os.urandom(16).hex()
        texts[f'"{key}"'] = written
        return key

    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), default=write)
    return _PLACEHOLDER.sub(lambda found: texts.get(found[0], found[0]), text) if texts else text


@cache
def _standard_writers() -> Mapping[type, Callable[[Any], Any]]:
    def write_pieces(long: ChunkedList) -> str:
        return f"[{','.join([_write_text(piece)[1:-1] for piece in long.split()])}]"

    return make_writers({Decimal: "{:f}".format, ChunkedList: write_pieces})


@cache
def _find_orjson() -> ModuleType | None:
    """Decide whether orjson is used: it is, where the extra ``fast`` is installed."""
    try:
        import orjson  # noqa: PLC0415 - optional: the extra fast
    except ImportError:
        return None
    return orjson


@cache
def _get_writer() -> Callable[[Any], bytes]:
    """Return what writes models, or plain data."""
    orjson: Any = _find_orjson()
    if orjson is None:
        return _write_standard

    known: dict[type, Any] = {
        Decimal: lambda number: orjson.Fragment(f"{number:f}"),
        ChunkedList: lambda long: orjson.Fragment(
            b"[%b]" % b",".join(map(write_piece, long.split()))
        ),
    }
    writers = make_writers(known)

    def write_piece(plain: Any) -> bytes:
        written: bytes = orjson.dumps(plain, default=write_part)
        return written[1:-1]

    def write_part(value: Any) -> Any:
        return writers[type(value)](value)

    def write(plain: Any) -> bytes:
        try:
            written: bytes = orjson.dumps(plain, default=write_part)
        except TypeError:  # a number beyond 64 bits
            return _write_standard(plain)
        return written

    return write
