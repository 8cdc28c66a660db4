"""The request of version 2 in the words of XML peers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import Any

from lxml import etree
from pydantic import Field
from pydantic_xml import BaseXmlModel, element, wrapped
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.handlers import LxmlEventHandler
from xsdata.formats.dataclass.serializers import XmlSerializer
from xsdata.formats.dataclass.serializers.config import SerializerConfig

TO = r"^\+?[0-9]+$"
SENDER = r"^([0-9]{3,14}|[\s\S]{3,11})$"


def _leaf(name: str, *, required: bool = False) -> Any:
    return field(default=None, metadata={"name": name, "type": "Element", "required": required})


def _list(name: str, wrapper: str) -> Any:
    about = {"name": name, "wrapper": wrapper, "type": "Element", "min_occurs": 1}
    return field(default_factory=list, metadata=about)


@dataclass
class XDestination:
    """A destination."""

    to: str | None = _leaf("to", required=True)
    message_id: str | None = _leaf("messageId")


@dataclass
class XMessage:
    """A message."""

    from_: str | None = _leaf("from")
    destinations: list[XDestination] = _list("destination", "destinations")  # noqa: RUF009 - a field
    text: str | None = _leaf("text")
    flash: bool | None = _leaf("flash")
    transliteration: str | None = _leaf("transliteration")
    intermediate_report: bool | None = _leaf("intermediateReport")
    notify_url: str | None = _leaf("notifyUrl")
    notify_content_type: str | None = _leaf("notifyContentType")
    callback_data: str | None = _leaf("callbackData")
    validity_period: int | None = _leaf("validityPeriod")
    send_at: str | None = _leaf("sendAt")


@dataclass
class XRequest:
    """A request."""

    class Meta:
        """Its root."""

        name = "request"

    bulk_id: str | None = _leaf("bulkId")
    messages: list[XMessage] = _list("message", "messages")  # noqa: RUF009 - a field


class PDestination(BaseXmlModel, tag="destination", search_mode="unordered"):
    """A destination."""

    to: str = element(pattern=TO)
    message_id: str | None = element(tag="messageId", default=None)


class PMessage(BaseXmlModel, tag="message", search_mode="unordered"):
    """A message."""

    from_: str | None = element(tag="from", default=None, pattern=SENDER)
    destinations: list[PDestination] = wrapped("destinations", Field(min_length=1))
    text: str | None = element(tag="text", default=None)
    flash: bool | None = element(tag="flash", default=None)
    transliteration: str | None = element(tag="transliteration", default=None)
    intermediate_report: bool | None = element(tag="intermediateReport", default=None)
    notify_url: str | None = element(tag="notifyUrl", default=None)
    notify_content_type: str | None = element(tag="notifyContentType", default=None)
    callback_data: str | None = element(tag="callbackData", default=None, max_length=200)
    validity_period: int | None = element(tag="validityPeriod", default=None)
    send_at: str | None = element(tag="sendAt", default=None)


class PRequest(BaseXmlModel, tag="request", search_mode="unordered"):
    """A request."""

    bulk_id: str | None = element(tag="bulkId", default=None)
    messages: list[PMessage] = wrapped("messages", Field(min_length=1))


def find_decoders(body: bytes) -> dict[str, Any]:
    """Return what reads a request, by peer."""
    parser = XmlParser(handler=LxmlEventHandler)
    return {
        "ElementTree alone": lambda: ET.fromstring(body),  # noqa: S314 - our own document
        "lxml alone": lambda: etree.fromstring(body),
        "pydantic-xml": lambda: PRequest.from_xml(body),
        "xsdata": lambda: parser.from_bytes(body, XRequest),
    }


def find_encoders(body: bytes) -> dict[str, Any]:
    """Return what writes a request again, by peer."""
    tree, pydantic = etree.fromstring(body), PRequest.from_xml(body)
    xsdata = XmlParser().from_bytes(body, XRequest)
    serializer = XmlSerializer(config=SerializerConfig(xml_declaration=True))
    return {
        "lxml of a finished tree": lambda: etree.tostring(tree),
        "pydantic-xml": lambda: pydantic.to_xml(skip_empty=True, exclude_none=True),
        "xsdata": lambda: serializer.render(xsdata),
    }
