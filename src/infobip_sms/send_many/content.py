"""What a message says but to whom, as a text: the journal has a digest of it, so its form never changes."""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii
from operator import attrgetter, is_
from typing import TYPE_CHECKING

import attrs
from infobip_sms_schema import Message

from infobip_sms.codecs.plain_data import build_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infobip_sms_schema import Tracking

_FIELDS = [field.name for field in attrs.fields(Message) if field.name != "destinations"]
_TEXT = _FIELDS.index("text")
_OTHERS = [*_FIELDS[:_TEXT], *_FIELDS[_TEXT + 1 :]]
_get_others = attrgetter(*_OTHERS)


class ContentEncoder:
    """Writes what messages of a run say, in quotes; it keeps all but the text, which mostly is as before."""

    def __init__(self, tracking: Tracking | None) -> None:
        self._end = f"}}, {_encode(tracking)}]"
        self._others: Sequence[object] = ()
        self._before = self._after = self._without_text = ""

    def encode(self, message: Message) -> str:
        """Return a JSON string in which a JSON array is: of the message's fields and the tracking."""
        others = _get_others(message)
        if not self._others or not all(map(is_, others, self._others)):
            self._keep(others)
        if message.text is None:
            return f'"{self._without_text}"'
        return f'"{self._before}{_escape(_encode(message.text))}{self._after}"'

    def _keep(self, others: Sequence[object]) -> None:
        given = [
            (place, f'"{name}": {_encode(value)}')
            for place, (name, value) in enumerate(zip(_OTHERS, others, strict=True))
            if value is not None
        ]
        before = [words for place, words in given if place < _TEXT]
        after = [words for place, words in given if place >= _TEXT]
        self._others = others
        self._before = _escape("[{" + "".join([f"{words}, " for words in before]) + '"text": ')
        self._after = _escape("".join([f", {words}" for words in after]) + self._end)
        self._without_text = _escape("[{" + ", ".join(before + after) + self._end)


def _escape(text: str) -> str:
    """Return what is in the quotes of a JSON string of JSON, which is ASCII."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _encode(value: object) -> str:
    return encode_basestring_ascii(value) if type(value) is str else _ENCODER.encode(value)


def _to_plain(value: object) -> object:
    return build_plain(value) if attrs.has(type(value)) else str(value)  # type: ignore[arg-type] # it has


_ENCODER = json.JSONEncoder(default=_to_plain)
