"""Rows <-> JSON text, as a store keeps them.

A field has the name that it has in state.py, an instant is ISO 8601 with its own offset, a length of
time is in seconds. What the destinations of one message share is a text of its own, which they name
by its digest. Fields that are not known are passed over, and one that is missing has its default:
a field may be added to a row without a new form of the file.
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
"""What the rows name for type checkers only."""
for _kind in (Content, StoredMessage, StoredBulk, Link, WebhookDelivery):
    attrs.resolve_types(_kind, localns=_TYPE_NAMES)
PARSE_ERRORS = (ValueError, TypeError, KeyError, AttributeError)
"""What reading raises for a text that no row was written as."""
_dump: Callable[[Any], str] = json.JSONEncoder(separators=(",", ":")).encode


class RowSerializer:
    """Writes rows, and reads those whose contents it has read before."""

    def __init__(self) -> None:
        self.new_contents: dict[str, str] = {}
        """The contents that the rows name which were written since the last ``clear``."""
        self.contents: dict[str, Content] = {}
        """The contents that rows may name which are read."""
        self.used_digests: set[str] = set()
        """Those that were named."""
        self._digests: dict[int, str] = {}
        self._plain = _make_converter()
        self._rows = _make_converter()
        self._rows.register_unstructure_hook(Content, self._dump_reference)
        self._rows.register_structure_hook(Content, lambda digest, _: self._get_content(digest))

    def dump_row(self, row: Row) -> str:
        """Return the text of a row."""
        return _dump(self._rows.unstructure(row))

    def parse_row(self, text: str, kind: type[Row]) -> Row:
        """Return the row of a text; raise one of DAMAGE if it is none."""
        return self._rows.structure(json.loads(text), kind)

    def add_content(self, digest: str, text: str) -> None:
        """Take a content that rows name."""
        self.contents[digest] = self._plain.structure(json.loads(text), Content)

    def clear(self) -> None:
        """Forget what was written and read: the contents are held by the rows."""
        self.new_contents, self.contents, self.used_digests, self._digests = {}, {}, set(), {}

    def _dump_reference(self, content: Content) -> str:
        """Return the digest of a content; each is written once, as long as its rows hold it."""
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


def _make_converter() -> Converter:
    converter = Converter(detailed_validation=False)
    converter.register_unstructure_hook(dt.datetime, dt.datetime.isoformat)
    converter.register_structure_hook(dt.datetime, lambda text, _: dt.datetime.fromisoformat(text))
    converter.register_unstructure_hook(dt.timedelta, dt.timedelta.total_seconds)
    converter.register_structure_hook(dt.timedelta, lambda number, _: dt.timedelta(seconds=number))
    return converter
