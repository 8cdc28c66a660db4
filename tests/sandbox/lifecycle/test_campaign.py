"""A whole campaign in virtual time, against a calculation that shares no code with the sandbox."""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections import Counter
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.sandbox.lifecycle import campaign_oracle as oracle
from tests.sandbox.lifecycle.campaign import (
    COUNT,
    END_OF_CAMPAIGN,
    FOREIGN,
    Event,
    Order,
    plan_campaign,
    read_body,
    run_campaign,
)
from tests.sandbox.lifecycle.virtual_sandbox import START

OURS = "over midnight"
READINGS = [OURS, "never open", "rejected"]
KEPT = dt.timedelta(hours=48)
GENERATED = re.compile(rb"\b[0-9]{19}\b")
WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000")

play = cache(run_campaign)
"""Every campaign is played once for all tests."""


class Entry(NamedTuple):
    """One destination: what was asked for, what the response said, and what must become of it."""

    at: dt.datetime
    message: dict[str, Any]
    destination: dict[str, str]
    replied: dict[str, Any]
    bulk: str | None
    life: oracle.Life

    @property
    def told(self) -> list[oracle.Report]:
        """The reports that there are for somebody."""
        return oracle.find_told(self.message, self.destination["to"], self.life)

    def build_common(self) -> dict[str, Any]:
        """What every report and log of it says."""
        count = oracle.count_segments(self.message.get("text", ""))
        names = {"messageId": self.replied.get("messageId"), "bulkId": self.bulk}
        sender = self.message.get("from")
        return {**names, "to": self.destination["to"], "from": sender, "smsCount": count}


@cache
def pair(reading: str) -> tuple[list[Entry], list[tuple[dict[str, Any], Event]]]:
    """Return every destination of the accepted requests, and the rejected requests with their responses."""
    responses = [event for event in play("first", reading) if event.kind == "reply"]
    entries, refused = [], []
    for order, event in zip(plan_campaign(), responses, strict=True):
        assert event.at == order.at
        if not event.head.startswith("200 "):
            refused.append((order.document, event))
            continue
        response = read_body(event, "SmsResponse")
        asked = [(m, d) for m in order.document["messages"] for d in m["destinations"]]
        for (message, destination), replied in zip(asked, response["messages"], strict=True):
            life = oracle.foresee(message, destination["to"], order.at, reading)
            bulk = response.get("bulkId", order.document.get("bulkId"))
            entries.append(Entry(order.at, message, destination, replied, bulk, life))
        check_bulk(order, response.get("bulkId"))
    return entries, refused


def check_bulk(order: Order, bulk: str | None) -> None:
    """A bulkId comes with more than one destination, or (READ-002) with one message for later."""
    at, document = order.at, order.document
    messages = document["messages"]
    later = (oracle.read_instant(messages[0].get("sendAt")) or at) > at and len(messages) == 1
    if later or sum(len(m["destinations"]) for m in messages) > 1:
        assert bulk == document.get("bulkId", bulk)
        assert bulk
    else:
        assert bulk is None


def check_replies(entries: list[Entry]) -> None:
    """Each destination has its status, its to, its id or a new one."""
    made = []
    for entry in entries:
        given = entry.destination.get("messageId")
        assert entry.replied["to"] == entry.destination["to"]
        assert entry.replied["status"]["id"] == entry.life.in_reply
        if given or not entry.life.kept:
            assert entry.replied.get("messageId") == given
        else:
            assert GENERATED.fullmatch(entry.replied["messageId"].encode())
            made.append(entry.replied["messageId"])
    assert len(set(made)) == len(made) > 100


def check_pushes(entries: list[Entry], events: list[Event]) -> None:
    """Every report goes out at its instant, once, in its format, to its URL; and no other does."""
    assert [event.at for event in events] == sorted(event.at for event in events)
    captured: dict[str, list[Any]] = {}
    for event in events:
        (result,) = read_body(event, "DeliveryReports")["results"]
        captured.setdefault(result["messageId"], []).append((event.at, event.head, read(result)))
    for entry in entries:
        if entry.message.get("notifyUrl") in (None, FOREIGN):
            assert entry.replied.get("messageId") not in captured
        elif entry.told:
            media = entry.message.get("notifyContentType", "application/json")
            head = f"127.0.0.1:8081/reports?of=all {media}"
            expected = [(r.at, head, build_report(entry, r)) for r in entry.told]
            check_same(captured.pop(entry.replied["messageId"]), expected)
    assert captured == {}


def check_logs(entries: list[Entry], event: Event) -> None:
    """The messages of 48 hours, the newest first, each as it is at that instant."""
    logs = [read(result) for result in read_body(event, "SmsLogs")["results"]]
    expected = []
    for entry in entries:
        if entry.life.kept and entry.at <= event.at:
            now = entry.life.find_moment(event.at)
            moment = now.sent_at or now.done_at
            if moment is None or event.at - moment <= KEPT:
                text = entry.message.get("text", "")
                shown = {**entry.build_common(), "text": text, **build_end(now, now.done_at)}
                expected.append({n: v for n, v in shown.items() if v is not None})
    check_same(logs, expected[::-1])


def check_fetched(entries: list[Entry], events: list[Event]) -> None:
    """A final report that no callback server took is fetched once, in the order of the ends."""
    known: set[str] = set()
    for event in events:
        results = [read(result) for result in read_body(event, "DeliveryReports")["results"]]
        new = sorted(
            (report.at, number, build_report(entry, report))
            for number, entry in enumerate(entries)
            if entry.message.get("notifyUrl") in (None, FOREIGN)
            for report in entry.told
            if report.final and report.at <= event.at and entry.replied["messageId"] not in known
        )
        expected = [report for *_, report in new]
        check_same(results, expected)
        known |= {report["messageId"] for report in expected}
    assert len(known) > 100


def check_same(got: list[Any], wanted: list[Any]) -> None:
    """Two lists are the same; the first difference is shown."""
    for one, other in zip_longest(got, wanted):
        assert one == other


def build_report(entry: Entry, report: oracle.Report) -> dict[str, Any]:
    """What a report must say."""
    data = {"callbackData": entry.message.get("callbackData")}
    shown = {**entry.build_common(), **data, **build_end(report, report.at)}
    return {name: value for name, value in shown.items() if value is not None}


def build_end(moment: oracle.Report | oracle.Moment, done: dt.datetime | None) -> dict[str, Any]:
    """What a report or a log must say of the state; what was rejected or never sent costs nothing."""
    rejected = oracle.GROUPS[moment.status] == oracle.REJECTED
    free = moment.sent_at is None or rejected
    state = {"status": moment.status, "error": moment.error, "free": free}
    return {**state, "sentAt": moment.sent_at, "doneAt": done}


def read(result: dict[str, Any]) -> dict[str, Any]:
    """Return what a report or a log says, times as times."""
    read = {
        name: value for name, value in result.items() if name not in {"price", "mccMnc", "mccmnc"}
    }
    for name in {"sentAt", "doneAt"} & read.keys():
        assert WRITTEN.fullmatch(read[name])
        read[name] = dt.datetime.fromisoformat(read[name])
    read["status"], read["error"] = result["status"]["id"], result["error"]["id"]
    read["free"] = float(result["price"]["pricePerMessage"]) == 0
    return read


@pytest.mark.parametrize("reading", READINGS)
def test_read_008_every_event_of_a_campaign_is_as_calculated(reading: str) -> None:
    """Responses, pushes, logs and fetched reports, with their instants and contents: all, and nothing else."""
    events, (entries, refused) = play("first", reading), pair(reading)
    documents = [order.document for order in plan_campaign()]

    assert [d for d, _ in refused] == [d for d in documents if oracle.is_refused(d, reading)]
    assert {event.head.split()[0] for _, event in refused} <= {"400"}
    check_replies(entries)
    check_pushes(entries, [event for event in events if event.kind == "push"])
    check_fetched(entries, [event for event in events if event.kind == "fetched"])
    for event in events:
        if event.kind == "logs":
            check_logs(entries, event)


def test_the_same_seed_gives_the_same_campaign_and_another_one_other_ids() -> None:
    """Every byte is the same in a second run; with another seed every byte but those of generated ids."""
    first, again, other = (
        play("first", OURS),
        run_campaign("first", OURS),
        run_campaign("another", OURS),
    )
    ids = [find_ids(events) for events in (first, other)]

    assert again == first
    assert len(ids[0]) > 400
    assert ids[0].isdisjoint(ids[1])
    assert other != first
    assert mask(other) == mask(first)


def find_ids(events: list[Event]) -> set[bytes]:
    """Return every generated id."""
    return {found for event in events for found in GENERATED.findall(event.body)}


def mask(events: list[Event]) -> list[Event]:
    """Return events with generated ids numbered by their first appearance."""
    seen: dict[bytes, bytes] = {}

    def number(found: re.Match[bytes]) -> bytes:
        return seen.setdefault(found[0], b"#%d" % len(seen))

    return [event._replace(body=GENERATED.sub(number, event.body)) for event in events]


def test_the_campaign_has_all_that_it_is_to_show() -> None:
    """Enough of every kind: windows, periods, ends, reports; and sending goes on for 60 hours."""
    entries, _ = pair(OURS)
    kinds = Counter(kind for entry in entries for kind in find_kinds(entry))
    last = max(entry.life.moments[-1].sent_at or START for entry in entries if entry.life.kept)

    assert len(entries) == COUNT
    assert last > START + END_OF_CAMPAIGN - dt.timedelta(hours=3)
    assert len(kinds) == 15
    assert min(kinds.values()) >= 10, kinds


def find_kinds(entry: Entry) -> list[str]:
    """Name what a destination is an example of."""
    window, validity = entry.message.get("deliveryTimeWindow"), entry.message.get("validityPeriod")
    life, end = entry.life, entry.life.moments[-1] if entry.life.kept else None
    start = oracle.read_instant(entry.message.get("sendAt"))
    waited = end and window and end.sent_at and end.sent_at > max(entry.at, start or entry.at)
    return [
        kind
        for kind, holds in {
            "whole days": window and "from" not in window,
            "a single day": window and len(window["days"]) == 1,
            "over midnight": window and oracle.is_over_midnight(window),
            "waited for a window": waited,
            "sent over midnight": waited and window and oracle.is_over_midnight(window),
            "for later": start and start > entry.at,
            "in the past": start and start < entry.at,
            "capped": validity and validity > 2880,
            "over before it was sent": end and end.status == oracle.EXPIRED and not end.sent_at,
            "over on the way": end and end.status == oracle.EXPIRED and end.sent_at,
            "rejected in the response": oracle.GROUPS[life.in_reply] == oracle.REJECTED,
            "no message": not life.kept,
            "delivered": end and oracle.GROUPS[end.status] == 3,
            "several intermediate reports": len(entry.told) > 3,
            "pushed as XML": entry.message.get("notifyContentType") == "application/xml",
        }.items()
        if holds
    ]


def test_the_calculation_shares_nothing_with_the_sandbox() -> None:
    """The module that calculates imports the standard library only."""
    tree = ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    roots = {(getattr(n, "module", None) or n.names[0].name).split(".")[0] for n in nodes}

    assert roots == {"__future__", "datetime", "pathlib", "re", "tomllib", "typing"}
