"""Requests of an earlier run, which are sent again byte for byte."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from infobip_sms_conformance.observations.exchange import get_stem
from infobip_sms_conformance.transport.http import RawRequest

NUMBER = re.compile(r"\$(?:TO(\d*)(?![A-Za-z])|\{TO(\d*)([%#])(\?+)\})")
FIELDS = ("label", "wire", "method", "path", "headers", "body")


@dataclass(frozen=True)
class RecordedRequest:
    """A request as a report holds it: with variables in place of numbers, and without credentials."""

    label: str
    wire: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    document: str = ""
    """The document as JSON; empty if the body is none."""

    def build(self, numbers: Sequence[str], current: RawRequest) -> tuple[RawRequest, Any]:
        """Return the request, with credentials and other header fields of the run, and its document."""
        own = {name: value for name, value in current.headers.items() if name not in CONTENT}
        body = fill(self.body, numbers).encode("utf-8", "surrogateescape")
        request = replace(
            current, method=self.method, path=self.path, headers={**own, **self.headers}, body=body
        )
        return request, json.loads(fill(self.document, numbers)) if self.document else None


CONTENT = ("content-type", "accept")
"""Header fields that belong to the recorded bytes."""
Key = tuple[str, str]


def get_key(label: str, wire: str) -> Key:
    """Return what a request is found by: the words before its values, and its format."""
    return get_stem(label), wire


def index(requests: Iterable[RecordedRequest]) -> dict[Key, RecordedRequest]:
    """Return requests by what they are found by."""
    return {(request.label, request.wire): request for request in requests}


def fill(text: str, numbers: Sequence[str]) -> str:
    """Return a text with the numbers of the run in place of their variables."""

    def get(match: re.Match[str]) -> str:
        number = numbers[min(int(match[1] or match[2] or 1), len(numbers)) - 1].removeprefix("+")
        if not match[3]:
            return number
        count = len(match[4])
        return number[:-count] if match[3] == "%" else number[count:]

    return NUMBER.sub(get, text)


def parse_recorded(found: Any) -> RecordedRequest | None:
    """Return the request of plain data; none if it is not one."""
    if not isinstance(found, dict) or not all(name in found for name in FIELDS):
        return None
    return RecordedRequest(**{name: found[name] for name in (*FIELDS, "document") if name in found})
