"""Rows to JSON text and back, as the data file stores them.

Fields keep their names, instants are ISO 8601 with their offset, durations are in seconds. The content
that the destinations of one message share is stored once and referenced by its digest. Unknown fields
are ignored and missing ones have their defaults, so that a field may be added to a row without a new
version of the file format.
"""

from __future__ import annotations

import datetime as dt
import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import attrs
from cattrs import Converter
from infobip_sms_schema import BulkStatus, DeliveryTimeWindow

from infobip_sms.codecs import Wire

from .magic_numbers import MagicNumber
from .rows import Content, Link, StoredBulk, StoredMessage, WebhookDelivery

if TYPE_CHECKING:
    from collections.abc import Callable

    from .rows import Row

_DIGEST_SIZE = 16  # bytes
_TYPE_NAMES = {
    "BulkStatus": BulkStatus,
    "DeliveryTimeWindow": DeliveryTimeWindow,
    "MagicNumber": MagicNumber,
    "Wire": Wire,
    "dt": dt,
}
"""Names that state/rows.py imports for type checkers only."""
for _kind in (Content, StoredMessage, StoredBulk, Link, WebhookDelivery):
    attrs.resolve_types(_kind, localns=_TYPE_NAMES)
PARSE_ERRORS = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What ``parse_row`` raises for damaged text."""
_dump: Callable[[Any], str] = json.JSONEncoder(separators=(",", ":")).encode


class RowSerializer:
    """Dumps rows, and parses rows whose contents were added before."""

    def __init__(self) -> None:
        self.new_contents: dict[str, str] = {}
        """Contents referenced by the rows dumped since the last ``clear``, by digest."""
        self.contents: dict[str, Content] = {}
        """Contents that parsed rows may reference, by digest."""
        self.used_digests: set[str] = set()
        """Digests referenced by parsed rows."""
        self._digests: dict[int, str] = {}
        self._plain = _make_converter()
        self._rows = _make_converter()
        self._rows.register_unstructure_hook(Content, self._dump_reference)
        self._rows.register_structure_hook(Content, lambda digest, _: self._get_content(digest))

    def dump_row(self, row: Row) -> str:
        """Return the text of a row."""
        return _dump(self._rows.unstructure(row))

    def parse_row(self, text: str, kind: type[Row]) -> Row:
        """Return the row of a text; raise one of PARSE_ERRORS if it is damaged."""
        row: Row = _parse(text, kind, self._rows)
        return row

    def add_content(self, digest: str, text: str) -> None:
        """Add a content that rows reference."""
        self.contents[digest] = _parse(text, Content, self._plain)

    def clear(self) -> None:
        """Release the contents dumped and parsed; the rows hold them."""
        self.new_contents, self.contents, self.used_digests, self._digests = {}, {}, set(), {}

    def _dump_reference(self, content: Content) -> str:
        """Return the digest of a content, which is dumped once while its rows hold it."""
        digest = self._digests.get(id(content))
        if digest is None:
            text = _dump(self._plain.unstructure(content))
            digest = blake2b(text.encode(), digest_size=_DIGEST_SIZE).hexdigest()
            self._digests[id(content)] = digest
            self.new_contents[digest] = text
        return digest

    def _get_content(self, digest: str) -> Content:
        self.used_digests.add(digest)
        return self.contents[digest]


def _parse(text: str, kind: type[Any], converter: Converter) -> Any:
    """Return the object of a text; raise ValueError if it is damaged, whatever json or cattrs raise."""
    try:
        return converter.structure(json.loads(text), kind)
    except Exception:  # noqa: BLE001 - of many kinds, and their words quote the text
        raise ValueError("damaged row") from None


def parse_instant(text: str) -> dt.datetime:
    """Return an instant; raise ValueError if it has no time zone."""
    instant = dt.datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("no time zone")
    return instant


def _make_converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_unstructure_hook(dt.datetime, dt.datetime.isoformat)
    converter.register_structure_hook(dt.datetime, lambda text, _: parse_instant(text))
    converter.register_unstructure_hook(dt.timedelta, dt.timedelta.total_seconds)
    converter.register_structure_hook(
        dt.timedelta, lambda seconds, _: dt.timedelta(seconds=seconds)
    )
    return converter
