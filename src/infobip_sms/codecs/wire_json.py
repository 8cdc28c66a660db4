"""JSON bytes <-> models.

Requests are parsed strictly and rejected with InvalidRequestError; responses and delivery reports are
parsed leniently and rejected with InvalidResponseError. wire_xml.py has the same functions for XML.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import attrs
from infobip_sms_schema.deadline import require_time
from infobip_sms_schema.scalars import ChunkedList

from infobip_sms.errors import InvalidRequestError, InvalidResponseError, Violation
from infobip_sms.rules import check_model

from .collector import pause_collector
from .plain_data import (
    build_document,
    build_model,
    build_plain,
    build_response,
    get_decimal_models,
    make_converter,
    make_writers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

CONTENT_TYPE = "application/json"
_UNDECIDED: Any = object()
_PLACEHOLDER = re.compile(r'"[0-9a-f]{32}"')
Model = TypeVar("Model", bound=attrs.AttrsInstance)


def parse_plain(body: bytes, cls: type[attrs.AttrsInstance]) -> Any:  # noqa: ARG001 - as for XML
    """Parse a document without checking it; raise InvalidRequestError if it is not JSON."""
    try:
        return _DECODER.decode(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        _raise_invalid(f"bytes that are not UTF-8 (byte {error.start})")
    except json.JSONDecodeError as error:
        actual = f"text that is not JSON (line {error.lineno}, column {error.colno})"
        _raise_invalid(actual if body.strip() else "an empty body")
    except RecursionError:
        _raise_invalid("JSON that is nested too deeply")
    except (ValueError, ArithmeticError):
        _raise_invalid("JSON with a number that is too large")


def parse_document(body: bytes, cls: Any) -> Any:
    """Parse a document, or a part of one; raises what build_document raises."""
    return build_document(parse_plain(body, cls), cls)


def parse_request(body: bytes, cls: type[Model], *, validate: bool = False) -> Model:  # noqa: ARG001 - as for XML
    """Parse a request strictly; raise InvalidRequestError with every violation."""
    return _parse(body, cls, strict=True)


def parse_response(body: bytes, cls: type[Model], *, validate: bool = False) -> Model:  # noqa: ARG001 - as for XML
    """Parse a response leniently; raise InvalidResponseError with every violation.

    ``raw`` of the model holds the bytes.
    """
    try:
        model = _parse(body, cls, strict=False)
    except InvalidRequestError as error:
        raise InvalidResponseError(error.violations, body=body) from None
    object.__setattr__(model, "raw", bytes(body))  # frozen, but nobody else has it yet
    return model


def dump_model(model: attrs.AttrsInstance, *, validate: bool = False) -> bytes:  # noqa: ARG001 - as for XML
    """Write a request or a response; raise InvalidRequestError if it is invalid."""
    try:
        return _get_writer()(model)
    except Exception:  # noqa: BLE001 - check_model names the path
        if problems := check_model(model):
            raise InvalidRequestError(problems) from None
    return _get_writer()(build_plain(model))


@pause_collector
def _parse(body: bytes, cls: type[Model], *, strict: bool) -> Model:
    plain: Any = _UNDECIDED
    if (fast := _find_orjson()) and cls not in get_decimal_models():
        with suppress(Exception):  # the standard library decides
            plain = fast.loads(body)
            return make_converter(strict=strict).structure(plain, cls)
    require_time()
    tried = plain is not _UNDECIDED and not _has_fraction(plain)
    if not tried:
        plain = parse_plain(body, cls)
    if strict:
        return build_model(plain, cls, strict=True, tried=tried)
    return build_response(plain, cls, tried=tried)


def _has_fraction(plain: Any) -> bool:
    """Tell whether orjson may have lost digits: it makes floats of fractions and of large integers."""
    level = [plain]
    while True:
        kinds = set(map(type, level))
        if float in kinds or kinds.isdisjoint({dict, list}):
            return float in kinds
        parts = [part for part in level if part and type(part) in {dict, list}]
        level = list(chain.from_iterable(p.values() if type(p) is dict else p for p in parts))


def _raise_invalid(actual: str) -> NoReturn:
    raise InvalidRequestError([Violation("", actual, "a JSON document", "HTTP-003")]) from None


def _raise_value_error(_: str) -> NoReturn:
    raise ValueError


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_raise_value_error)


def _write_standard(plain: Any) -> bytes:
    """Write models or plain data."""
    return _write_text(plain).encode()


def _write_text(plain: Any) -> str:
    """Write models or plain data; placeholders stand for a Decimal and for the chunks of a list."""
    texts: dict[str, str] = {}
    writers = _standard_writers()

    def write(value: Any) -> Any:
        cls = type(value)
        written = writers[cls](value)
        if cls is not Decimal and cls is not ChunkedList:
            return written
        key = os.urandom(16).hex()
        texts[f'"{key}"'] = written
        return key

    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), default=write)
    return _PLACEHOLDER.sub(lambda found: texts.get(found[0], found[0]), text) if texts else text


@cache
def _standard_writers() -> Mapping[type, Callable[[Any], Any]]:
    def write_chunks(entries: ChunkedList) -> str:
        return f"[{','.join([_write_text(chunk)[1:-1] for chunk in entries.split()])}]"

    return make_writers({Decimal: "{:f}".format, ChunkedList: write_chunks})


@cache
def _find_orjson() -> ModuleType | None:
    """Return orjson if the extra ``fast`` is installed."""
    try:
        import orjson  # noqa: PLC0415 - optional: the extra fast
    except ImportError:
        return None
    return orjson


@cache
def _get_writer() -> Callable[[Any], bytes]:
    """Return the function that writes models or plain data."""
    orjson: Any = _find_orjson()
    if orjson is None:
        return _write_standard

    known: dict[type, Any] = {
        Decimal: lambda number: orjson.Fragment(f"{number:f}"),
        ChunkedList: lambda entries: orjson.Fragment(
            b"[%b]" % b",".join(map(write_chunk, entries.split()))
        ),
    }
    writers = make_writers(known)

    def write_chunk(plain: Any) -> bytes:
        written: bytes = orjson.dumps(plain, default=write_part)
        return written[1:-1]

    def write_part(value: Any) -> Any:
        return writers[type(value)](value)

    def write(plain: Any) -> bytes:
        try:
            written: bytes = orjson.dumps(plain, default=write_part)
        except TypeError:  # an integer beyond 64 bits
            return _write_standard(plain)
        return written

    return write
