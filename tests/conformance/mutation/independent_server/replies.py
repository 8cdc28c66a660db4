"""Responses and reports on the wire, as JSON or XML."""

import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.mutation.independent_server.scope import Format
from tests.conformance.mutation.independent_server.traits import Traits

ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DROPPED = 0
DRAW = random.SystemRandom()


@dataclass(frozen=True)
class Document:
    """The names of an XML document: its root, and the items of its lists; "" is no wrapper."""

    root: str
    items: dict[str, str] = field(default_factory=dict)


SEND = Document("smsResponse", {"messages": "message"})
SEND_V1 = Document("SendSMSResponse", {"messages": "messages"})
REPORTS = Document("reportResponse", {"results": "result"})
REPORTS_2015 = Document("SMSReportResponse", {"results": ""})
LOGS = Document("smsLogsResponse", {"results": "result"})
LOGS_2015 = Document("SMSLogsResponse", {"results": "results"})
PREVIEW = Document("PreviewResponse", {"previews": "previews"})
BULK = Document("BulkResponse")
BULK_STATUS = Document("BulkStatusResponse")
CONVERSION = Document("EndTagResponse")
ERROR = Document("ApiException")


@dataclass(frozen=True)
class Reply:
    """A response before it is written."""

    status: int
    data: dict[str, Any] | None
    document: Document = ERROR
    headers: dict[str, str] = field(default_factory=dict)


def build_error(status: int, message_id: str, text: str) -> Reply:
    """Build the response to a request that is rejected."""
    exception = {"messageId": message_id, "text": text}
    return Reply(status, {"requestError": {"serviceException": exception}})


def write_reply(reply: Reply, wanted: Format, traits: Traits) -> tuple[str, bytes]:
    """Write a response; return its content type and its body."""
    if reply.data is None or (reply.status >= 400 and traits.takes("mute-errors")):
        return "", b""
    if reply.status >= 400 and traits.breaks("error-text"):
        return "text/plain", b"Bad request"
    if reply.status >= 400 and traits.breaks("error-json-only"):
        wanted = "json"
    if wanted == "json":
        return _name_json(traits), write_json(reply.data, traits)
    return _name_xml(traits), write_xml(reply.document, reply.data, traits)


def _name_json(traits: Traits) -> str:
    if traits.breaks("json-labelled-text"):
        return "text/plain"
    return "application/json;charset=UTF-8" if traits.takes("charsets") else "application/json"


def _name_xml(traits: Traits) -> str:
    if traits.breaks("xml-labelled-json"):
        return "application/json"
    name = "text/xml" if traits.takes("text-xml") else "application/xml"
    return f"{name}; charset=utf-8" if traits.takes("charsets") else name


def write_json(data: dict[str, Any], traits: Traits) -> bytes:
    """Write plain data as JSON."""
    indent = 3 if traits.takes("ornaments") else None
    plain = traits.takes("ascii-wire")
    return json.dumps(_dress(data, traits), ensure_ascii=plain, indent=indent).encode()


def _dress(value: Any, traits: Traits) -> Any:
    if isinstance(value, list):
        return [_dress(item, traits) for item in value]
    if not isinstance(value, dict):
        return value
    members = [(name, _dress(member, traits)) for name, member in value.items()]
    if traits.takes("extra-members") and members:
        members += [("applicationId", "default"), ("extension", {"version": 3, "tags": "a b"})]
    if traits.takes("shuffled"):
        DRAW.shuffle(members)
    return dict(members)


def write_xml(document: Document, data: dict[str, Any], traits: Traits) -> bytes:
    """Write plain data as an XML document."""
    names = document
    if traits.takes("shapes-2015"):
        names = {REPORTS.root: REPORTS_2015, LOGS.root: LOGS_2015}.get(document.root, document)
    if traits.breaks("xml-flat") and document is SEND:
        names = Document(SEND.root, {"messages": ""})
    if traits.breaks("xml-root-other") and document is SEND:
        names = Document("response", SEND.items)
    if traits.breaks("v1-xml-as-v2") and document is SEND_V1:
        names = Document(SEND_V1.root, SEND.items)
    writer = XmlWriter(names, traits)
    body = writer.write(names.root, _dress(data, traits))
    if traits.takes("ornaments"):
        body = (
            f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<!-- SMS API -->\n{body}\n'
        )
    if traits.takes("ascii-wire"):
        return body.encode("ascii", "xmlcharrefreplace")
    if traits.breaks("xml-ascii-only") and "results" not in names.items:
        return body.encode("ascii", "replace")
    return body.encode()


class XmlWriter:
    """Writes elements with the item names of one document."""

    def __init__(self, document: Document, traits: Traits) -> None:
        self._items = document.items
        fault = "push-xml-unescaped" if "results" in self._items else "xml-unescaped"
        self._escapes = not traits.breaks(fault)
        self._pretty = traits.takes("ornaments")

    def write(self, name: str, value: Any, depth: int = 0) -> str:
        """Write a value as an element, or as several if it is a bare list."""
        if isinstance(value, list):
            return self._write_list(name, value, depth)
        if isinstance(value, dict):
            parts = [
                self.write(key, member, depth + 1)
                for key, member in value.items()
                if member is not None
            ]
            return self._wrap(name, parts, depth)
        return f"<{name}>{self._write_scalar(value)}</{name}>"

    def _write_list(self, name: str, values: list[Any], depth: int) -> str:
        item = self._items.get(name, name)
        if not item:
            return "".join(self.write(name, value, depth) for value in values)
        return self._wrap(name, [self.write(item, value, depth + 1) for value in values], depth)

    def _wrap(self, name: str, parts: list[str], depth: int) -> str:
        if not parts:
            return f"<{name}/>"
        if not self._pretty:
            return f"<{name}>{''.join(parts)}</{name}>"
        lead = "\n" + "  " * (depth + 1)
        inner = "".join(f"{lead}{part}" for part in parts)
        mark = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"' if not depth else ""
        return f"<{name}{mark}>{inner}\n{'  ' * depth}</{name}>"

    def _write_scalar(self, value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        text = ILLEGAL.sub("\ufffd", str(value))
        if not self._escapes:
            return text
        if self._pretty and "&" in text and "]]>" not in text and "\r" not in text:
            return f"<![CDATA[{text}]]>"
        for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
            text = text.replace(plain, entity)
        return text


def is_xml_text(text: str) -> bool:
    """Tell whether XML can carry a text."""
    return ILLEGAL.search(text) is None
