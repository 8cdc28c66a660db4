"""Speaks for the dataclasses that xsdata generates from schema/sms.xsd: requests and responses in XML.

OPERATION as the argument, {"query": {...}, "body": {...}} on standard input, names as in JSON
{"result": {...}} or {"raised": "KindOfException", "text": "..."} on standard output, names likewise
INFOBIP_BASE_URL and INFOBIP_API_KEY in the environment
"""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import sys
import urllib.request
from decimal import Decimal
from typing import Any, get_type_hints
from urllib.parse import urlencode

import infobip_sms_xml as generated  # type: ignore[import-not-found] # only where the peer is
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.serializers import XmlSerializer

OPERATIONS = {
    "send": ("POST", "/sms/2/text/advanced", generated.Request),
    "reports": ("GET", "/sms/1/reports", None),
    "logs": ("GET", "/sms/1/logs", None),
    "preview": ("POST", "/sms/1/preview", generated.PreviewRequest),
    "get_scheduled": ("GET", "/sms/1/bulks", None),
    "reschedule": ("PUT", "/sms/1/bulks", generated.BulkRequest),
    "get_scheduled_status": ("GET", "/sms/1/bulks/status", None),
    "set_scheduled_status": ("PUT", "/sms/1/bulks/status", generated.UpdateStatusRequest),
}


def find_type(hint: Any) -> Any:
    """Return the type of an element of ``X | None`` or ``list[X]``."""
    return next((part for part in getattr(hint, "__args__", ()) if part is not type(None)), hint)


def is_wrapper(kind: Any) -> bool:
    """Tell whether a type is an element around the entries of a list, which JSON does not have."""
    return bool(kind.__qualname__ != kind.__name__)


def build(kind: Any, plain: Any) -> Any:
    """Return an object of a generated class from plain data."""
    if not hasattr(kind, "__dataclass_fields__"):
        return kind(plain)
    if is_wrapper(kind):
        (field,) = dataclasses.fields(kind)
        plain = {field.metadata.get("name", field.name): plain}
    hints, given = get_type_hints(kind, vars(generated)), {}
    for field in dataclasses.fields(kind):
        name = field.metadata.get("name", field.name)
        if name in plain:
            inner, value = find_type(hints[field.name]), plain[name]
            is_list = isinstance(value, list) and not is_wrapper(inner)
            given[field.name] = [build(inner, v) for v in value] if is_list else build(inner, value)
    return kind(**given)


def dump(value: Any) -> Any:
    """Return plain data of an object of a generated class."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, list):
        return [dump(item) for item in value]
    if isinstance(value, Decimal):
        return float(value)
    if not dataclasses.is_dataclass(value):
        return value
    found = {
        field.metadata.get("name", field.name): dump(getattr(value, field.name))
        for field in dataclasses.fields(value)
        if getattr(value, field.name) is not None
    }
    return next(iter(found.values())) if is_wrapper(type(value)) else found


def call(operation: str, query: dict[str, Any], body: Any) -> Any:
    """Carry out one operation."""
    method, path, kind = OPERATIONS[operation]
    headers = {
        "Authorization": f"App {os.environ['INFOBIP_API_KEY']}",
        "Accept": "application/xml",
        "Content-Type": "application/xml",
    }
    text = XmlSerializer().render(build(kind, body)).encode() if kind else None
    url = f"{os.environ['INFOBIP_BASE_URL']}{path}"
    url += f"?{urlencode(query, doseq=True)}" if query else ""
    request = urllib.request.Request(url, text, headers, method=method)  # noqa: S310 - the sandbox
    with urllib.request.urlopen(request) as response:  # noqa: S310 - likewise
        return dump(XmlParser().from_bytes(response.read()))


def main() -> None:
    """Carry out what is asked, and tell what came of it."""
    asked = json.load(sys.stdin)
    try:
        told = {"result": call(sys.argv[1], asked.get("query", {}), asked.get("body"))}
    except Exception as problem:  # noqa: BLE001 - whatever the classes raise is what is told
        told = {"raised": type(problem).__name__, "text": str(problem)}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
