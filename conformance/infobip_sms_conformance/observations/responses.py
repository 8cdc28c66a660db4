"""Responses of any allowed server, read with tolerance."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from infobip_sms_conformance.contract.codec import (
    get_tag,
    get_text,
    iter_children,
    parse_json,
    parse_tree,
    read_element,
)
from infobip_sms_conformance.contract.files import get_group_id
from infobip_sms_conformance.contract.openapi import get_component


class UnreadableResponseError(ValueError):
    """The body is no response to a send request."""


@dataclass(frozen=True)
class ResponseEntry:
    """What the response says about one destination."""

    to: str | None
    message_id: str
    status: Any

    @property
    def group(self) -> int | None:
        """The number of the status group, if there is a readable one."""
        group = self.status.get("groupId") if isinstance(self.status, dict) else None
        try:
            return int(group) if isinstance(group, int | str) else None
        except ValueError:
            return None


@dataclass(frozen=True)
class SendResponse:
    """A response of either format; absent ids are empty strings."""

    wire: str
    bulk_id: str
    tracking_key: str
    entries: tuple[ResponseEntry, ...]

    @property
    def groups(self) -> set[int | None]:
        """The status groups of all entries."""
        return {entry.group for entry in self.entries}

    @property
    def has_rejected(self) -> bool:
        """Whether any destination was rejected."""
        return get_group_id("REJECTED") in self.groups


def find_wire(body: bytes) -> str | None:
    """Tell by its first character whether a body is XML or JSON."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "xml"
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return {b"<": "xml", b"{": "json"}.get(start)


def parse_send_response(body: bytes) -> SendResponse:
    """Return the response that a body holds, whatever its content type says."""
    try:
        return parse_xml_response(body) if find_wire(body) == "xml" else parse_json_response(body)
    except ValueError as error:
        raise UnreadableResponseError("the body is no readable response") from error


def parse_json_response(body: bytes) -> SendResponse:
    """Return the response that a JSON body holds."""
    root = parse_json(body)
    messages = root.get("messages") if isinstance(root, dict) else None
    if not isinstance(messages, list) or not all(isinstance(entry, dict) for entry in messages):
        raise UnreadableResponseError("there is no list of messages")
    for entry in messages:
        drop_null_words(entry.get("status"))
    return build_send_response("json", root, messages)


def drop_null_words(status: Any) -> None:
    """Take description and action out of a status where they are null: documented as such too."""
    for name in ("description", "action"):
        if isinstance(status, dict) and name in status and status[name] is None:
            del status[name]


def parse_xml_response(body: bytes) -> SendResponse:
    """Return the response that an XML body holds, whatever its root and wrappers are called."""
    root = parse_tree(body)
    schema = get_component("SmsResponseDetails")
    messages = [read_element(element, schema) for element in iter_entry_elements(root)]
    top = {get_tag(child): get_text(child) for child in iter_children(root)}
    if "messages" not in top:
        raise UnreadableResponseError("there are no messages")
    return build_send_response("xml", top, messages)


def iter_entry_elements(root: etree._Element) -> Iterator[etree._Element]:
    """Yield the elements that answer a destination: those with a to or a status."""
    for element in root.iter("{*}*"):
        if {"to", "status"} & {get_tag(child) for child in iter_children(element)}:
            yield element


def build_send_response(
    wire: str, top: dict[str, Any], messages: list[dict[str, Any]]
) -> SendResponse:
    """Return the response with the given fields."""
    entries = tuple(
        ResponseEntry(
            read_id(entry.get("to")) or None, read_id(entry.get("messageId")), entry.get("status")
        )
        for entry in messages
    )
    return SendResponse(
        wire, read_id(top.get("bulkId")), read_id(top.get("trackingProcessKey")), entries
    )


def read_id(value: Any) -> str:
    """Return an id as text; servers write them as numbers or strings."""
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
