"""What to write instead, for the usual mistakes in Python; loaded when one was made."""

from __future__ import annotations

import datetime as dt
import re
from difflib import get_close_matches
from typing import Any

import attrs

_CALLS = {
    "Destination": 'Destination("41793026727")',
    "DeliveryTimeWindow": 'DeliveryTimeWindow(from_=time(8), to=time(20), days=["MONDAY"])',
    "Message": 'Message(destinations=["41793026727"], text="Hello", from_="InfoSMS")',
    "SmsRequest": "SmsRequest(messages=[message])",
    "TimeOfDay": "TimeOfDay(hour=8)",
    "Tracking": 'Tracking(track="SMS")',
}
_ZONE = "with a time zone, such as datetime(2030, 1, 31, 8, 0, tzinfo=UTC)"
_SEND_TEXT = 'For one text to one number use send_text("41793026727", "Hello", from_="InfoSMS").'
_SPACED_NUMBER = re.compile(r"(?=(.*\d){5})\+?[\d\s().\-/]*[\s().\-/][\d\s().\-/]*")
_OTHER_NAMES = {
    "api_key": "key",
    "apikey": "key",
    "backoff": "wait_initial",
    "backoff_factor": "wait_initial",
    "body": "text",
    "content": "text",
    "max_attempts": "attempts",
    "max_backoff": "wait_max",
    "max_retries": "attempts",
    "message": "text",
    "number": "to",
    "phone": "to",
    "recipient": "to",
    "retries": "attempts",
    "sender": "from_",
    "source": "from_",
    "to": "destinations",
    "total": "attempts",
    "user": "username",
}


def explain_arguments(cls: Any, error: TypeError, names: tuple[str, ...]) -> TypeError:
    """Return the error for arguments that a model does not have, with what to write.

    names: the keywords that were given.
    """
    fields = {field.name: field.metadata.get("wire") for field in attrs.fields(cls) if field.init}
    renamed = [(name, _find_argument(name, fields)) for name in names if name not in fields]
    hints = [f"The argument for {name} is {right}." for name, right in renamed if right]
    usual = _CALLS.get(cls.__name__) or f"{cls.__name__}({', '.join(f'{n}=…' for n in fields)})"
    words = str(error).replace(".__init__()", "()")
    return TypeError(" ".join([f"{words}.", *hints, f"Write {usual}."]))


def _find_argument(name: str, fields: dict[str, str | None]) -> str | None:
    by_wire = {wire: field for field, wire in fields.items() if wire}
    other = _OTHER_NAMES.get(name, "")
    close = get_close_matches(name, fields, 1)
    return by_wire.get(name) or (other if other in fields else next(iter(close), None))


def find_hint(value: object, kind: Any) -> str:
    """Return what to write in place of a value where this type is expected, or an empty string."""
    name = getattr(kind, "__name__", "")
    if name == "Message" and isinstance(value, str):
        return _SEND_TEXT
    if name == "Message" and type(value).__name__ == "Destination":
        return 'Write Message(destinations=[destination], text="Hello").'
    if attrs.has(kind) and isinstance(value, dict):
        usual = _CALLS.get(name, f"{name}(…)")
        return f"Write {usual}; {name}.from_dict(…) takes a dict with the names of the API."
    if isinstance(value, int) and (name == "Destination" or kind is str):
        return 'Write it as a string, such as "41793026727".'
    if isinstance(value, bytes) and kind is str:
        return "Decode it first: value.decode()."
    if kind is dt.datetime and isinstance(value, dt.timedelta):
        return "Write datetime.now(UTC) + timedelta(…)."
    if kind is dt.datetime and isinstance(value, str | dt.datetime):
        return f"Write a datetime {_ZONE}."
    if kind is int and isinstance(value, float | str | dt.timedelta):
        return "Write an integer, or a timedelta in whole minutes."
    is_text = kind is str or name == "Destination"
    if is_text and isinstance(value, str) and _SPACED_NUMBER.fullmatch(value):
        return "Write the digits alone, without blanks and signs between them."
    return ""
