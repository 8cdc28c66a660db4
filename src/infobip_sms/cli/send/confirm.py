"""What is asked before money is spent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs
import click

from infobip_sms.cli.base.terminal import ask
from infobip_sms.send_many.preflight import count_message
from infobip_sms.send_many.suppression import normalize_number
from infobip_sms.transport.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infobip_sms import Message
    from infobip_sms.send_many.suppression import Suppression


@attrs.frozen
class SendEstimate:
    """How much would be sent."""

    destinations: int
    segments: int
    repeated: int = 0
    """Destinations whose number came before."""
    left_out: int = 0
    """Destinations that are not sent to."""

    def __str__(self) -> str:
        left_out = f" ({self.left_out} left out)" if self.left_out else ""
        return f"{self.destinations} destinations, {self.segments} segments{left_out}"


def estimate_send(
    messages: Iterable[Message], suppression: Suppression | None = None
) -> SendEstimate:
    """Count destinations and segments, as far as they can be known here."""
    total = destinations = segments = 0
    numbers: set[int] = set()
    for message in messages:
        count = count_message(message).segments
        for one in message.destinations:
            total += 1
            if suppression is None or not suppression.find_reason(total, one.to):
                destinations += 1
                segments += count
                numbers.add(hash(normalize_number(one.to)))
    return SendEstimate(destinations, segments, destinations - len(numbers), total - destinations)


def confirm(base_url: str, estimate: SendEstimate, *, yes: bool) -> None:
    """Ask before more than one message leaves this machine; raise click.Abort for no."""
    host = urlsplit(base_url).hostname or base_url
    if yes or estimate.destinations <= 1 or is_loopback(host):
        return
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"This sends to {estimate} through {host}. Add --yes if that is meant."
        )
    ask(f"Send to {estimate} through {host}?")


def confirm_repeated(base_url: str, estimate: SendEstimate, *, yes: bool) -> None:
    """Ask before a number gets more than one message; a script that may send has said --yes."""
    host = urlsplit(base_url).hostname or base_url
    if not yes and not is_loopback(host) and sys.stdin.isatty():
        ask(f"Send {estimate.repeated} messages to numbers that have one already?")
