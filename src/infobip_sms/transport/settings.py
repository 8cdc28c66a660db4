"""Validators of settings: an invalid value raises ValueError, which names the setting."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from infobip_sms_schema.constraints import describe_value

if TYPE_CHECKING:
    from collections.abc import Callable

    import attrs

_DAY = 86_400.0
TIMEOUT = "seconds, more than 0 and at most 86400"


def validate(
    expected: str, is_valid: Callable[[Any], bool], prefix: str = ""
) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    """Return an attrs validator that raises ValueError unless the value is valid."""

    def validator(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not is_valid(value):
            raise build_setting_error(prefix + attribute.name, expected, value)

    return validator


def build_setting_error(name: str, expected: str, value: object) -> ValueError:
    """Describe an invalid setting; of a string only the length is shown, for it may be a secret."""
    actual = f"{value:g}" if isinstance(value, float) else describe_value(value)
    return ValueError(f"{name}: expected {expected}, got {actual}")


def is_list_of_texts(value: object) -> bool:
    """Tell whether a value is a collection of strings, and not a string itself."""
    return (
        isinstance(value, Collection)
        and not isinstance(value, str)
        and all(isinstance(one, str) for one in value)
    )


def is_count(value: object) -> bool:
    """Tell whether a value is a whole number from 1."""
    return type(value) is int and value >= 1


def is_duration(value: object) -> bool:
    """Tell whether a value is a number of seconds from 0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def is_timeout(value: object) -> bool:
    """Tell whether a value is a number of seconds that a socket can keep."""
    return type(value) in {int, float} and 0 < value <= _DAY  # type: ignore[operator]
