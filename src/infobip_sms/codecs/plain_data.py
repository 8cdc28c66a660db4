"""Plain data with wire names <-> models, for both wire formats.

Requests are parsed strictly: every value has its documented type, and all limits and rules hold.
Responses are parsed leniently: unknown fields are ignored, numbers and strings are converted into each
other where nothing is lost, and null means absent.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
from infobip_sms_schema.constraints import unfold
from infobip_sms_schema.deadline import require_time

from infobip_sms.errors import InvalidRequestError, InvalidResponseError, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .converters import ModelConverter

Model = TypeVar("Model", bound=attrs.AttrsInstance)
MAX_UNREADABLE = 100  # violations of entries that are explained


@cache
def make_converter(*, strict: bool) -> ModelConverter:
    """Return the strict or the lenient cattrs converter; hooks registered with it are obeyed."""
    from . import converters  # noqa: PLC0415 - imports cattrs, on first use

    return converters.make_converter(strict=strict)


def build_model(plain: object, cls: type[Model], *, strict: bool, tried: bool = False) -> Model:
    """Return the model of plain data; raise InvalidRequestError with the violations and their paths.

    tried: the fast converter has left it undecided already.
    """
    converter = make_converter(strict=strict)
    if not tried:
        with suppress(Exception):  # the detailed converter decides
            return converter.structure(plain, cls)
    require_time()
    return converter.structure_detailed(plain, cls)


def build_response(plain: object, cls: type[Model], *, tried: bool = False) -> Model:
    """Return the model of a response; raise InvalidRequestError with the violations.

    Of delivery reports and logs, an entry that cannot be read does not hide the others: it is left out,
    and ``unreadable`` of the model says why.
    tried: as for build_model.
    """
    try:
        return build_model(plain, cls, strict=False, tried=tried)
    except InvalidRequestError:
        entries = plain.get("results") if isinstance(plain, dict) else None
        if "unreadable" not in attrs.fields_dict(cls) or not isinstance(entries, list):
            raise
    model: Model = _build_readable(entries, cls)
    return model


def _build_readable(entries: list[Any], cls: Any) -> Any:
    """Explain the first unreadable entries, and only count the others: explaining takes long."""
    _, kind = unfold(attrs.fields(cls).results.type)
    kept: list[Any] = []
    problems: list[Violation] = []
    index = 0
    while index < len(entries) and len(problems) < MAX_UNREADABLE:
        try:
            kept.append(build_model(entries[index], kind, strict=False))
        except InvalidRequestError as error:
            problems += [violation.inside(f"results[{index}]") for violation in error.violations]
        index += 1
    more = list(_iterate_readable(entries[index:], kind))
    kept += more
    if unexplained := len(entries) - index - len(more):
        problems.append(
            Violation("results", f"{unexplained} more that cannot be read", "reports", "DLR-001")
        )
    return cls(results=kept, unreadable=tuple(problems))


def _iterate_readable(entries: list[Any], kind: Any) -> Iterator[Any]:
    """Yield the models of entries that the fast converter can read."""
    from infobip_sms_schema import json_codec  # noqa: PLC0415 - imported on first use

    read: Any = make_converter(strict=False).get_structure_hook(kind)
    if read.__module__ == json_codec.__name__:  # a hook of a user may read anything
        entries = [entry for entry in entries if type(entry) is dict]
    for entry in entries:
        with suppress(Exception):  # whatever it leaves undecided
            yield read(entry, kind)


def build_document(plain: Any, cls: Any) -> Any:
    """Return the model of plain data, as strictly as the client parses that model.

    Raises InvalidRequestError for what is part of a request, InvalidResponseError for a response.
    """
    from infobip_sms_schema import json_codec  # noqa: PLC0415 - imported on first use

    if cls not in json_codec.LENIENT_READERS:
        return build_model(plain, cls, strict=True)
    try:
        return build_model(plain, cls, strict=False)
    except InvalidRequestError as error:
        raise InvalidResponseError(error.violations) from None


def build_plain(model: attrs.AttrsInstance) -> dict[str, Any]:
    """Return plain data with wire names; fields without a value are omitted (HTTP-010)."""
    converter = make_converter(strict=True)
    try:
        plain: dict[str, Any] = converter.unstructure(model)
    except Exception:  # noqa: BLE001 - the detailed converter decides
        plain = converter.detailed.unstructure(model)
    return plain


def make_writers(known: dict[type, Any]) -> Mapping[type, Callable[[Any], Any]]:
    """Return the function that writes each class for an encoder.

    known: how the encoder itself writes a Decimal and a ChunkedList.
    """
    return make_converter(strict=True).make_writers(known)


@cache
def get_decimal_models() -> frozenset[type]:
    """Return the models with fractions, all digits of which must be kept."""
    from infobip_sms_schema import json_codec  # noqa: PLC0415 - imported on first use

    return json_codec.DECIMAL_MODELS
