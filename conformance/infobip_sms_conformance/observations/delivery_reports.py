"""What has come to the callback server: pushes, and the reports in them.

A push may hold one report or many (READ-039), in either format, whatever was asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from infobip_sms_conformance.contract.files import read_groups
from infobip_sms_conformance.observations.exchange import OK_STATUSES
from infobip_sms_conformance.observations.responses import ResponseEntry, read_id
from infobip_sms_conformance.observations.tolerant_reader import find_list, parse_tolerant
from infobip_sms_conformance.transport.webhook_receiver import WebhookCall

FINAL_GROUPS = {"UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED"}
SENT_GROUPS = {"UNDELIVERABLE", "DELIVERED"}
INTERMEDIATE_GROUPS = {"PENDING", "ACCEPTED"}


@dataclass(frozen=True)
class ReceivedReport:
    """What one push says about one message."""

    call: WebhookCall
    data: dict[str, Any] = field(repr=False)

    @property
    def message_id(self) -> str:
        """The messageId; empty when there is none."""
        return read_id(self.data.get("messageId"))

    @property
    def bulk_id(self) -> str:
        """The bulkId; empty when there is none."""
        return read_id(self.data.get("bulkId"))

    @property
    def to(self) -> str:
        """The number without a plus; empty when there is none."""
        return read_id(self.data.get("to")).strip().removeprefix("+")

    @property
    def group(self) -> str:
        """The name of the status group, by its number or else as it stands there."""
        status = self.data.get("status")
        number = ResponseEntry(None, "", status).group
        named = str(status.get("groupName")) if isinstance(status, dict) else ""
        return read_groups().get(-1 if number is None else number, named.strip().upper())

    @property
    def is_final(self) -> bool:
        """Whether nothing more can become of the message."""
        return self.group in FINAL_GROUPS

    @property
    def is_intermediate(self) -> bool:
        """Whether the message has not come to its end."""
        return self.group in INTERMEDIATE_GROUPS

    @property
    def is_sent(self) -> bool:
        """Whether the message was sent, delivered or not."""
        return self.group in SENT_GROUPS

    @property
    def is_expired(self) -> bool:
        """Whether the message came to its end by its validity period."""
        return self.group == "EXPIRED"

    @property
    def is_acknowledged_final(self) -> bool:
        """Whether it is the last one of its message, and the callback server took it."""
        return self.is_final and self.call.status in OK_STATUSES

    def find_instant(self, name: str) -> datetime | None:
        """Return the instant of a field; none when it is no date and time with an offset."""
        try:
            instant = datetime.fromisoformat(self.data[name])
        except (KeyError, TypeError, ValueError):
            return None
        return instant if instant.tzinfo else None


def parse_call(call: WebhookCall) -> Any:
    """Return the data of a push; none when its body is of neither format."""
    return parse_body(call.body)


@lru_cache(maxsize=4096)
def parse_body(body: bytes) -> Any:
    """Return the data of a body, which many checks look at; not to be altered."""
    try:
        return parse_tolerant(body, "DeliveryReports")
    except (ValueError, RecursionError):
        return None


def parse_reports(call: WebhookCall) -> Iterator[ReceivedReport]:
    """Yield the reports of a push."""
    for data in find_list(parse_call(call), "results") or []:
        yield ReceivedReport(call, data)
