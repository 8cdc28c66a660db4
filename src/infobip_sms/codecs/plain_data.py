"""Plain data with wire names <-> models, for both wire formats.

Two ways to read: strict (a request: every value has its documented type, every limit and rule holds)
and open (a response: unknown fields are skipped, numbers and strings are in for each other where
nothing is lost, null is absence).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .converters import ModelConverter

Model = TypeVar("Model", bound=attrs.AttrsInstance)


@cache
def make_converter(*, strict: bool) -> ModelConverter:
    """Return the cattrs converter of one way to read; hooks that are registered with it are obeyed."""
    from . import converters  # noqa: PLC0415 - loads cattrs, at the first document and not at import

    return converters.make_converter(strict=strict)


def build_model(plain: object, cls: type[Model], *, strict: bool) -> Model:
    """Return the model of plain data, or raise InvalidRequestError with every violation and its path."""
    converter = make_converter(strict=strict)
    try:
        return converter.structure(plain, cls)
    except Exception:  # noqa: BLE001 - nothing is decided yet, whatever it was
        return converter.structure_detailed(plain, cls)


def build_plain(model: attrs.AttrsInstance) -> dict[str, Any]:
    """Return plain data with wire names; fields without a value are left out (HTTP-010)."""
    converter = make_converter(strict=True)
    try:
        plain: dict[str, Any] = converter.unstructure(model)
    except Exception:  # noqa: BLE001 - likewise
        plain = converter.detailed.unstructure(model)
    return plain


def make_writers(known: dict[type, Any]) -> Mapping[type, Callable[[Any], Any]]:
    """Return for each class what writes it for an encoder.

    known: how the encoder itself writes a Decimal, and a Long, the list that is left to it.
    """
    return make_converter(strict=True).make_writers(known)


@cache
def get_decimal_models() -> frozenset[type]:
    """Return the models of which a number may have a fraction, whose digits are all kept."""
    from infobip_sms_schema import json_codec  # noqa: PLC0415 - at the first document, not at import

    return json_codec.DECIMAL_MODELS
