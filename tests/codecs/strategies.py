"""Hypothesis strategies for the models, made from the models' own limits."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

import attrs
from hypothesis import strategies as st
from infobip_sms_schema import Constraint, DeliveryTimeWindow
from infobip_sms_schema.constraints import unfold

TEXT = st.characters(exclude_categories=["Cs"])
XML_TEXT = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | (
    st.sampled_from("\t\n\r&<>\"' ]")
)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))
INSTANTS = st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 12, 31), timezones=OFFSETS)  # noqa: DTZ001 - bounds, the zones come beside
PRICES = st.decimals(-(10**9), 10**9, places=10)


@cache  # Hypothesis validates each strategy that is new to it
def build(cls: Any, alphabet: st.SearchStrategy[str] = TEXT) -> st.SearchStrategy[Any]:
    """Return models of a class: every value within its limits, every rule kept."""
    fields = {
        field.name: _build_field(field, alphabet)
        for field in attrs.fields(cls)
        if isinstance(field.validator, Constraint)
    }
    if cls is DeliveryTimeWindow:
        times: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
            {name: fields[name].filter(bool) for name in ("from_", "to")}
        )
        return st.builds(lambda days, pair: cls(days=days, **pair), fields["days"], times)
    return st.builds(cls, **fields)


def _build_field(field: attrs.Attribute[Any], alphabet: st.SearchStrategy[str]) -> Any:
    limit: Any = field.validator
    base, item = unfold(field.type)
    if item is None:
        values = _build_value(base, limit, alphabet)
    else:
        entries = _build_value(item, Constraint(requirement_id=""), alphabet)
        values = st.lists(entries, min_size=limit.min_items or 0, max_size=3)
    return values if limit.required else st.none() | values


def _build_value(base: Any, limit: Constraint, alphabet: st.SearchStrategy[str]) -> Any:
    if attrs.has(base):
        return build(base, alphabet)
    if isinstance(base, type) and issubclass(base, Enum):
        return st.sampled_from(base)
    if base is str:
        return _build_text(limit, alphabet)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(limit.minimum, limit.maximum),
        bool: st.booleans(),
        dt.datetime: INSTANTS,
        Decimal: PRICES,
    }
    return plain.get(base, st.none())


def _build_text(limit: Constraint, alphabet: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    if limit.pattern is None:
        return st.text(alphabet, min_size=limit.min_length or 0, max_size=limit.max_length or 40)
    shape = re.compile(limit.pattern)
    if shape.fullmatch("any text") is None:  # digits; few other texts would be left
        return st.from_regex(limit.pattern.strip("^$"), fullmatch=True)
    texts = st.text(alphabet, min_size=3, max_size=11) | st.from_regex(
        r"\+?[0-9]{3,11}", fullmatch=True
    )
    return texts.filter(lambda text: shape.fullmatch(text) is not None)
