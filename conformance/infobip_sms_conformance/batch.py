"""The request whose messages are looked up later: in the logs, in fetched reports, by their tracking.

It goes out early, without a notify URL, so that its reports wait to be fetched. Its messages differ in what
lists can be narrowed by; two of them are for later, so no list of what was delivered has them; one holds
a link. Together they are more than a list shows at once, where the profile allows that many.

Lives here: the document, and what is known of each of its messages once it was sent.
Never here: sending; a judgement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from infobip_sms_conformance.data import read_numbers
from infobip_sms_conformance.replies import Reply

HOUR = timedelta(hours=1)
ELSEWHERE = timezone(timedelta(hours=2))  # an offset that is not UTC's, nor the documentation's
SENDER, OTHER_SENDER, THIRD_SENDER = "InfoSMS", "Harbour", "41793026700"
SHOWN_TEXT = 'Grüße an "Zoë" & <Łukasz>: 5 > 3, ]]>, 7 €, Ωmega, дом, 日本.'
TEXT = " ".join([SHOWN_TEXT] * 4)  # longer than any one segment
LINK = "https://www.example.com/harbour/timetable/2031/departures/evening?from=pier-7&seats=2"
OTHER_LINK = "https://www.example.com/harbour/tickets/2031/departures/evening/reservations/9041"
BASE = "https://sms.example/k"
BEFORE, BETWEEN, AFTER = "Tonight's ferries: ", " and tickets: ", " (no reply)"
NAME, ID = "CONFORMANCE-BATCH", "CONFORMANCE-MESSAGE"


@dataclass(frozen=True)
class Sent:
    """One message of the batch as it was sent."""

    message_id: str
    to: str
    sender: str
    text: str
    later: bool

    @property
    def linked(self) -> bool:
        """Whether its text holds the link."""
        return LINK in self.text


def find_instant(ahead: timedelta) -> datetime:
    """Return an instant that lies ahead, in a time zone of its own, to the second."""
    return (datetime.now(UTC) + ahead).astimezone(ELSEWHERE).replace(microsecond=0)


def write_instant(instant: datetime) -> str:
    """Return an instant as the documentation writes one."""
    return instant.isoformat(timespec="milliseconds")


def build_batch(most: int, *, tracked: bool = True) -> Any:
    """Return the request: the messages that every profile has, and others up to a number."""
    first, second, third = read_numbers()
    later = {"sendAt": write_instant(find_instant(HOUR))}
    messages = [
        build_message(SENDER, first, "For later.") | later,
        build_message(OTHER_SENDER, first, "By another sender."),
        build_message(SENDER, second, "To another number."),
        build_message(SENDER, first, TEXT),
        build_message(SENDER, first, f"{BEFORE}{LINK}{BETWEEN}{OTHER_LINK}{AFTER}"),
    ]
    others = [
        build_message(THIRD_SENDER, (first, second, third)[n % 3], f"One of many: {n}.")
        for n in range(most - len(messages) - 1)
    ]
    if others:
        others.append(build_message(SENDER, first, "For later, too.") | later)
    document = {"bulkId": NAME, "messages": messages + others}
    return document | ({"tracking": {"track": "URL", "baseUrl": BASE}} if tracked else {})


def build_message(sender: str, to: str, text: str) -> dict[str, Any]:
    """Return a message to one number, with a name."""
    return {"from": sender, "destinations": [{"to": to, "messageId": ID}], "text": text}


def read_batch(document: Any, reply: Reply | None) -> list[Sent]:
    """Return what is known of the messages of a request with one destination each."""
    messages = document["messages"]
    given = [message["destinations"][0]["messageId"] for message in messages]
    names = find_names(given, reply)
    return [
        Sent(
            name,
            message["destinations"][0]["to"],
            message["from"],
            message["text"],
            is_later(message),
        )
        for name, message in zip(names, messages, strict=True)
    ]


def is_later(message: Any) -> bool:
    """Tell whether a message is not to be sent during the run."""
    return "sendAt" in message


def find_names(given: Sequence[str], reply: Reply | None) -> list[str]:
    """Return the messageIds by which a server knows the messages: a lost one is RESP-003's matter."""
    answered = [entry.message_id for entry in reply.entries] if reply else []
    if len(answered) != len(given):
        return list(given)
    return [
        mine if mine in answered else theirs or mine
        for mine, theirs in zip(given, answered, strict=True)
    ]
