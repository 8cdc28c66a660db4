"""Generate the converters of model arguments, typed for what each field accepts."""

from __future__ import annotations

from typing import Any

import attrs

Components = dict[str, Any]
HEAD = '''"""What may be written for the value of a field, and what the model then holds."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from . import models
from .shorthands import to_member, to_model, to_time_of_day, to_tuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .models import (
{imports}
    )

'''
UNITS = {"minutes": "to_minutes", "milliseconds": "to_milliseconds"}


@attrs.frozen
class Conversion:
    """The converter of a kind of field."""

    base: str
    """Name of the enum or model, or ``str``."""
    many: bool
    required: bool

    @property
    def function(self) -> str:
        """Its name."""
        optional = "" if self.required else "optional_"
        return f"to_{optional}{self.base}{'_tuple' if self.many else ''}"


def list_converters(components: Components) -> dict[str, dict[str, str]]:
    """Return the converter of each field that has one, by model and wire name."""
    found = {}
    for name, component in components.items():
        fields = component.get("properties", {})
        required = component.get("required", ())
        found[name] = {w: _find_converter(f, w in required, components) for w, f in fields.items()}
    return {
        name: {wire: function for wire, function in fields.items() if function}
        for name, fields in found.items()
    }


def write_conversions(components: Components) -> str:
    """Return the source of the module of converters."""
    fields = [
        (field, wire in component.get("required", ()))
        for component in components.values()
        for wire, field in component.get("properties", {}).items()
    ]
    found = {_find_conversion(field, required, components) for field, required in fields} - {None}
    conversions = sorted(filter(None, found), key=lambda one: one.function)
    imports = {one.base for one in conversions} - {"str"} | {"LanguageCode"}
    body = [line for one in conversions for line in _write_converter(one, components)]
    return HEAD.format(imports="\n".join(f"        {n}," for n in sorted(imports))) + "\n".join(
        body
    )


def _find_converter(field: Any, required: bool, components: Components) -> str | None:
    if "x-unit" in field:
        return UNITS[str(field["x-unit"])]
    conversion = _find_conversion(field, required, components)
    return None if conversion is None else conversion.function


def _find_conversion(field: Any, required: bool, components: Components) -> Conversion | None:
    if field.get("type") == "array":
        return Conversion(_get_base(field["items"]), True, required)
    base = _get_base(field)
    if base in components and _get_accepted(base, components) != base:
        return Conversion(base, False, required)
    return None


def _get_base(field: Any) -> str:
    return str(field["$ref"].rpartition("/")[2]) if "$ref" in field else "str"


def _get_accepted(base: str, components: Components) -> str:
    """Return the type of what stands for a value."""
    component = components.get(base, {})
    if "enum" in component:
        return f"{base} | str"
    if component.get("x-shorthand") == "time":
        return f"{base} | dt.time"
    if "x-shorthand" in component:
        main = _get_base(component["properties"][component["x-shorthand"]])
        return f"{base} | {_get_accepted(main, components)}" if main != "str" else f"{base} | str"
    return base


def _write_converter(one: Conversion, components: Components) -> list[str]:
    accepted, optional = _get_accepted(one.base, components), "" if one.required else " | None"
    held = f"tuple[{one.base}, ...]" if one.many else one.base
    given = f"{accepted} | Iterable[{accepted}]" if one.many else accepted
    return [
        "",
        f"def {one.function}(value: {given}{optional}) -> {held}{optional}:",
        *(f"    {line}" for line in _write_body(one, components)),
        "",
    ]


def _write_body(one: Conversion, components: Components) -> list[str]:
    cls = "str" if one.base == "str" else f"models.{one.base}"
    entry = _write_entry("entry" if one.many else "value", one.base, components)
    if not one.many:
        return [
            f"made: {one.base} = {entry}" if one.required else f"made: {one.base} | None = {entry}",
            "return made",
        ]
    convert = f", lambda entry: {entry}" if entry != "entry" else ""
    optional = "" if one.required else " | None"
    return [
        f"made: tuple[{one.base}, ...]{optional} = to_tuple(value, {cls}{convert})",
        "return made",
    ]


def _write_entry(value: str, base: str, components: Components) -> str:
    component = components.get(base, {})
    if "enum" in component:
        return f"to_member({value}, models.{base})"
    if component.get("x-shorthand") == "time":
        return f"to_time_of_day({value}, models.{base})"
    if "x-shorthand" in component:
        return f"to_model({value}, models.{base}, {component['x-positional'][0]!r})"
    return value
