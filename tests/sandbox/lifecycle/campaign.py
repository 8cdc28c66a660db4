"""A campaign of a thousand messages over days of virtual time, and the log of all that it brings about."""

from __future__ import annotations

import datetime as dt
import json
from random import Random
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from infobip_sms_conformance.contract import codec

from infobip_sms.sandbox.lifecycle.engine import advance
from infobip_sms.sandbox.lifecycle.webhooks import (
    WebhookResult,
    pop_webhook_requests,
    record_webhook_result,
)
from tests.sandbox.lifecycle.campaign_oracle import ERRORS, GROUPS, NAMES
from tests.sandbox.lifecycle.virtual_sandbox import CALLBACK, SEND, START, Bench

if TYPE_CHECKING:
    from infobip_sms.sandbox.api.http import HttpResponse

COUNT = 1000
LAST_ORDER, END_OF_CAMPAIGN, LONG_AFTER = (dt.timedelta(hours=h) for h in (34, 60, 110))
LOOK = dt.timedelta(hours=12, minutes=1, milliseconds=1)
"""Logs and reports are looked at so often."""
MILLISECOND = dt.timedelta(milliseconds=1)
FOREIGN = "https://www.example.com/sms/advanced"
ZONES = [dt.timezone(dt.timedelta(minutes=m)) for m in (0, 60, -300, 345)]
KNOWN_NUMBERS = ["41793026727", "41793026731", "+41793026785"]
TIMES = [(0, 0), (6, 0), (9, 30), (15, 30), (20, 59), (22, 0), (23, 59)]


class Order(NamedTuple):
    """One request, and when it is made."""

    at: dt.datetime
    wire: Literal["json", "xml"]
    document: dict[str, Any]


class Event(NamedTuple):
    """Something that the sandbox said."""

    at: dt.datetime
    kind: Literal["reply", "push", "logs", "fetched"]
    head: str
    """Status or target, and content type."""
    body: bytes


def plan_campaign() -> list[Order]:
    """Return the requests of the campaign, always the same ones, in order of time."""
    dice, orders, left = Random(2880), [], COUNT  # noqa: S311 - a campaign is no secret
    while left:
        at = START + dt.timedelta(milliseconds=dice.randrange(LAST_ORDER // MILLISECOND))
        messages = []
        for _ in range(dice.choice([1, 1, 1, 2, 3])):
            count = min(left, dice.choice([1, 1, 2, 4]))
            left -= count
            if count:
                messages.append(make_message(dice, at, [f"{left}-{n}" for n in range(count)]))
        named = {"bulkId": f"bulk {left}"} if dice.random() < 0.5 else {}
        wire: Literal["json", "xml"] = "json" if dice.random() < 0.75 else "xml"
        orders.append(Order(at, wire, {**named, "messages": messages}))
    return sorted(orders, key=lambda order: order.at)


def make_message(dice: Random, at: dt.datetime, names: list[str]) -> dict[str, Any]:
    """Return a message to as many destinations as there are names."""
    named = [{"messageId": f"mine {name}"} if dice.random() < 0.3 else {} for name in names]
    message: dict[str, Any] = {
        "from": "InfoSMS",
        "destinations": [{"to": make_number(dice), **name} for name in named],
        "text": "x" * dice.choice([0, 20, 160, 161, 400]),
        "notifyUrl": dice.choice([CALLBACK] * 8 + [FOREIGN]),
        "notifyContentType": dice.choice(["application/json"] * 2 + ["application/xml"]),
        "callbackData": f"customer {names[0]} <ş&>",
        "intermediateReport": dice.random() < 0.8,
        "validityPeriod": dice.choice(
            [-5, 0, 1, 1, 60, 720, 2880, 2881, 10**9, dice.randrange(3000)]
        ),
        "sendAt": make_instant(dice, at),
        "deliveryTimeWindow": make_window(dice),
    }
    left_out = {name for name in message if name != "destinations" and dice.random() < 0.3}
    return {name: value for name, value in message.items() if name not in left_out}


def make_number(dice: Random) -> str:
    """Return a number of the documentation, or one that chooses its outcome, or a wrong one of those."""
    kind = dice.random()
    if kind < 0.25:
        return dice.choice(KNOWN_NUMBERS)
    if kind < 0.28:
        return dice.choice(["999", "9990510000777", "9990517777005", "99905100000050"])
    seconds = dice.choice([0, 0, 3, 60, dice.randrange(100)])
    error, status = dice.choice(sorted(ERRORS)), dice.choice(sorted(GROUPS))
    return f"999{seconds:02}{dice.randrange(10)}{error:04}{status:03}"


def make_instant(dice: Random, at: dt.datetime) -> str:
    """Return an instant from some hours ago to a day ahead, in any zone, often on the half hour."""
    instant = at + dt.timedelta(milliseconds=dice.randrange(-(10**7), 86 * 10**6))
    if dice.random() < 0.4:
        instant = instant.replace(minute=dice.choice([0, 30]), second=0, microsecond=0)
    return instant.astimezone(dice.choice(ZONES)).isoformat(timespec="milliseconds")


def make_window(dice: Random) -> dict[str, Any]:
    """Return a window of one day, some or all of them, with times in any order or none."""
    days = dice.sample(NAMES, dice.choice([1, 1, 2, 3, 7, 7]))
    if dice.random() < 0.3:
        return {"days": days}
    start, end = ({"hour": h, "minute": m} for h, m in (dice.choice(TIMES), dice.choice(TIMES)))
    return {"from": start, "to": end, "days": days}


class Player(Bench):
    """A bench that writes down everything; reading it is left for later."""

    def __init__(self, seed: str, reading: str) -> None:
        super().__init__(seed=seed, readings={"READ-008": reading}, delay=0)
        self.events: list[Event] = []

    def play(self, orders: list[Order]) -> list[Event]:
        """Make every request at its time, look at logs and reports, and wait for the end of it all."""
        looks = [START + n * LOOK for n in range(1, LONG_AFTER // LOOK)]
        looks += [START + END_OF_CAMPAIGN, START + LONG_AFTER]
        plan: list[tuple[dt.datetime, Order | None]] = [(at, None) for at in looks]
        plan += [(order.at, order) for order in orders]
        for at, order in sorted(plan, key=lambda item: item[0]):
            self.wait(milliseconds=(at - self.now) // MILLISECOND)
            if order is None:
                self.look()
            else:
                body = codec.dump(order.document, order.wire)
                self.note("reply", self.ask("POST", SEND, body, order.wire))
        return self.events

    def look(self) -> None:
        """Write down all logs, and fetch all reports."""
        self.note("logs", self.ask("GET", "/sms/1/logs", limit=1000))
        self.note("fetched", self.ask("GET", "/sms/1/reports", limit=1000))

    def note(self, kind: Literal["reply", "logs", "fetched"], reply: HttpResponse) -> None:
        """Write down an answer."""
        head = f"{reply.status} {reply.headers['content-type']}"
        self.events.append(Event(self.now, kind, head, reply.body))

    def _turn(self) -> None:
        advance(self.state, self.now, self.settings)
        for webhook_request in pop_webhook_requests(self.state, self.now, self.settings):
            target = webhook_request.target
            head = f"{target.host}:{target.port}{target.path} {webhook_request.content_type}"
            self.events.append(Event(self.now, "push", head, webhook_request.body))
            record_webhook_result(
                self.state, webhook_request.delivery_serial, WebhookResult(200), self.now
            )


def run_campaign(seed: str, reading: str) -> list[Event]:
    """Play the campaign against a new sandbox and return all that it said, in order of time."""
    return Player(seed, reading).play(plan_campaign())


def read_body(event: Event, component: str) -> Any:
    """Return the data of a body, read as the suite reads it."""
    if "xml" in event.head.rpartition(" ")[2]:
        return codec.parse_xml(event.body, component)
    return json.loads(event.body)
