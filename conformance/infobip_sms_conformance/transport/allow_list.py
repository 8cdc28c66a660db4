"""The gate: no message leaves for a number that is not allowed, nor one more than was announced.

It reads the bytes that are about to leave, whatever made them, and counts every destination in them.
What a server provably did not take is given back.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from infobip_sms_conformance.contract.codec import get_tag, parse_tree

# For bytes that are no document: whatever looks like a destination in either format.
DESTINATION_PATTERN = re.compile(rb'"to"\s*:\s*"([^"]*)"|<(?:\w+:)?to>([^<]*)<')
DIGITS = re.compile(r"[0-9]+")
MIN_DIGITS = 4  # digits; nobody is reached by fewer


class DestinationNotAllowedError(Exception):
    """Bytes that may not leave: a destination is not on the allow-list."""


class MessageLimitError(Exception):
    """The announced number of messages would be passed."""


class AllowList:
    """Lets messages to allowed numbers pass, up to a number of messages."""

    def __init__(self, allowed: tuple[str, ...], max_messages: int) -> None:
        self._allowed = {number.removeprefix("+") for number in allowed}
        self.max_messages, self.messages = max_messages, 0

    def reserve(self, body: bytes) -> int:
        """Count the destinations of a body; NotAllowed or TooMany when it may not leave."""
        count = 0
        for number in iter_numbers(body):
            digits = "".join(DIGITS.findall(number))
            if len(digits) >= MIN_DIGITS and digits not in self._allowed:
                raise DestinationNotAllowedError("a destination that is not on the allow-list")
            count += 1
        if self.messages + count > self.max_messages:
            raise MessageLimitError(f"the announced {self.max_messages} messages were reached")
        self.messages += count
        return count

    def release(self, count: int) -> None:
        """Take back messages that the server provably did not accept."""
        self.messages -= count


def iter_numbers(body: bytes) -> Iterator[str]:
    """Yield every destination in the bytes of a request, by the shape that they turn out to have."""
    try:
        yield from iter_numbers_in_json(json.loads(body))
    except (ValueError, RecursionError):
        try:
            yield from iter_numbers_in_xml(parse_tree(body))
        except ValueError:
            for match in DESTINATION_PATTERN.finditer(body):
                yield (match[1] or match[2] or b"").decode("latin-1")


def iter_numbers_in_json(value: Any) -> Iterator[str]:
    """Yield the destinations in plain data; a ``to`` that is an object is a time of day."""
    if isinstance(value, list):
        for item in value:
            yield from iter_numbers_in_json(item)
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "to" and isinstance(member, list):
                yield from map(str, member)
            elif name == "to" and not isinstance(member, dict):
                yield str(member)
            else:
                yield from iter_numbers_in_json(member)


def iter_numbers_in_xml(root: etree._Element) -> Iterator[str]:
    """Yield the destinations in an element and below."""
    for element in root.iter("{*}*"):
        if get_tag(element) == "to" and not len(element):
            yield element.text or ""
