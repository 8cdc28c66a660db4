"""The messages of pushes.py in one format: sent once, and what has come of them by now.

Lives here: sending them, and the wait for their reports.
Never here: a verdict about the server, but for what could not be told at all.
"""

import math
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from infobip_sms_conformance.checks.support.assertions import (
    TWIN,
    check_answered,
    check_ground,
    drop_plus,
    find_entry,
    is_explained,
)
from infobip_sms_conformance.checks.support.xml_lists import are_lists_lost, is_answered_whole
from infobip_sms_conformance.contract.codec import dump
from infobip_sms_conformance.contract.files import find_group
from infobip_sms_conformance.fixtures.webhook_messages import (
    ASKED,
    LATER,
    MINUTE,
    OPEN,
    OTHER,
    PROMPT,
    REFUSED,
    UNASKED,
    WHOLE,
    build_alone,
    build_pushes,
    find_names,
)
from infobip_sms_conformance.observations.delivery_reports import Report, read_push, read_reports
from infobip_sms_conformance.observations.exchange import Exchange, find_destinations
from infobip_sms_conformance.observations.verdicts import Finding, Inconclusive, NotApplicable
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.webhook_receiver import Hit, Receiver

PUSHES = "pushes"
WHAT = "messages with notify URLs"
ACCEPTING = {"PENDING", "ACCEPTED"}
FEWER = "judged in the other format, so that fewer messages are sent"


class News:
    """What was sent in one format, by name, and what has come."""

    def __init__(self, session: Session, wire: str, exchange: Exchange) -> None:
        self.session, self.wire, self.exchange = session, wire, exchange
        self.receiver: Receiver = session.find_receiver()
        self.until = math.inf
        """What comes after this is not looked at."""
        found = {find_name(message): message for message in exchange.document["messages"]}
        self.messages: dict[str, Any] = found
        self._known: dict[str, list[tuple[str, set[str]]]] = {}
        self.accepted = [name for name in found if self._is_accepted(name)]

    def hits(self, *names: str) -> list[Hit]:
        """Return the pushes of some names, or of all, in the order in which they came."""
        wanted = {f"{name}-{self.wire}" for name in names or self.messages}
        return [hit for hit in self.receiver.hits() if hit.name in wanted and hit.at < self.until]

    def all_reports(self, name: str) -> list[Report]:
        """Return the readable reports that came to the notify URL of a name."""
        return [report for hit in self.hits(name) for report in read_reports(hit)]

    def reports(self, *names: str) -> list[Report]:
        """Return the readable reports of some names, or of all; not those of other messages."""
        chosen = [name for name in names or self.messages if name in self.messages]
        return [r for name in chosen for r in self.all_reports(name) if self.is_own(name, r)]

    def own_hits(self, name: str) -> list[Hit]:
        """Return the pushes of a name, but for those with reports of other messages alone."""
        strange = {id(r.hit) for r in self.all_reports(name)} - {
            id(r.hit) for r in self.reports(name)
        }
        return [hit for hit in self.hits(name) if id(hit) not in strange]

    def is_own(self, name: str, report: Report) -> bool:
        """Tell whether a report is of a message of a name, or of no message that is known."""
        ids = set[str]().union(*(known for _, known in self.find_known(name)))
        return not report.message_id or not ids or report.message_id in ids

    def find_final(self, name: str) -> list[Report]:
        """Return the reports of a name after which nothing more comes."""
        return [report for report in self.reports(name) if report.is_final]

    def is_sent(self, name: str) -> bool:
        """Tell whether a report says that a message of a name was sent."""
        return any(report.is_of_sent for report in self.find_final(name))

    def find_send_at(self) -> float:
        """Return when the scheduled message is due; when all was sent, if there is none."""
        text = self.messages.get(LATER, {}).get("sendAt")
        return datetime.fromisoformat(text).timestamp() if text else self.exchange.at

    def find_missing(self) -> tuple[list[str], str]:
        """Return the names for which nothing came, and the requirement that this breaks.

        The root is what sets those names apart from the others.
        """
        expected = [name for name in PROMPT if name in self.accepted]
        missing = [name for name in expected if not self.hits(name)]
        own = [name for name in expected if name != OTHER]
        if missing and len(expected) > 1 and missing in ([OTHER], own) and OTHER in expected:
            return missing, "DLR-002"
        if missing == [ASKED] and len(expected) > 1:
            return missing, "DLR-005"
        return missing, "DLR-001" if missing else ""

    def focus(self, name: str) -> Exchange:
        """Return the exchange as if the message of a name had been sent alone, and what came of it last."""
        sent, hits = self.exchange, self.hits(name)
        document = {**sent.document, "messages": [self.messages[name]]}
        assert sent.request is not None, "it was sent"
        request = replace(sent.request, body=dump(document, self.wire))
        came = hits[-1].body if hits else b""
        return replace(sent, document=document, request=request, callback=came)

    def describe(self, name: str) -> str:
        """Name one of the messages."""
        return f"{self.exchange.what}, the one called {name}"

    def describe_silence(self) -> str:
        """Say for which messages no report came."""
        some = f" for {', '.join(self.find_missing()[0])}" if self.hits() else ""
        return f"no delivery report{some} within {self.session.plan.patience:g} s"

    def _is_accepted(self, name: str) -> bool:
        """Tell whether every destination of a name was accepted, as far as the reply can be read."""
        reply = self.exchange.reply
        if reply is None or not reply.entries:
            return self.exchange.taken
        destinations = find_destinations(self.exchange.document)
        own = self.messages[name]["destinations"]
        groups = {
            find_entry(reply, destinations, place).group
            for place, destination in enumerate(destinations)
            if any(destination is one for one in own)
        }
        return groups <= {find_group(one) for one in ACCEPTING}

    def find_known(self, name: str) -> list[tuple[str, set[str]]]:
        """Return number and possible messageIds of each destination of a name; no ids for any.

        An id is the one that was given or the one in the reply; whether those two agree is RESP-003's
        matter, and whether ids are unique RESP-005's.
        """
        if name not in self._known:
            self._known[name] = self._find_known(name)
        return self._known[name]

    def _find_known(self, name: str) -> list[tuple[str, set[str]]]:
        destinations = find_destinations(self.exchange.document)
        given = {one["messageId"] for one in destinations if "messageId" in one}
        replied = read_ids(self.exchange)
        usable = len(replied) == len(set(replied)) == len(destinations) and not (
            (set(replied) - given) & self._find_other_ids()
        )
        known = []
        for place, one in enumerate(destinations):
            if any(one is own for own in self.messages[name]["destinations"]):
                ids = {one["messageId"]} if "messageId" in one else set()
                beside = set(replied[place : place + 1] if ids else replied) - given
                known.append((drop_plus(one["to"]), ids | beside if usable else ids))
        return known

    def _find_other_ids(self) -> set[str]:
        """Return the messageIds in the replies to other requests."""
        others = [e for e in self.session.exchanges if e is not self.exchange]
        return {message_id for exchange in others for message_id in read_ids(exchange)}

    def find_bulk_ids(self) -> set[str]:
        """Return the bulkIds that a report may have; none where the reply has none (READ-002)."""
        replied = self.exchange.reply.bulk_id if self.exchange.reply else ""
        given = self.exchange.document.get("bulkId", replied)
        return {replied, given} if replied else set()

    # -------------------------------------------------------------- waiting

    def wait(self) -> None:
        """Wait until every report has come that is to come by itself, or patience is at its end."""
        end = self.exchange.at + self.session.plan.patience
        self.wait_for([name for name in self.accepted if name in {*PROMPT, OPEN, WHOLE}], end)
        if LATER in self.accepted and self.hits():
            self.wait_for([LATER], self.find_send_at() + self.session.plan.patience)

    def wait_for(self, names: Collection[str], end: float) -> bool:
        """Wait until the messages of some names have come to their end; by time.time."""
        return self.wait_until(lambda: all(map(self.is_complete, names)), end)

    def wait_until(self, holds: Callable[[], bool], end: float) -> bool:
        """Wait until something holds of what came; by time.time."""
        return self.receiver.wait(lambda _: holds(), end - time.time())

    def is_complete(self, name: str) -> bool:
        """Tell whether the last report of every destination of a name has come."""
        if name == REFUSED:
            return bool(self.hits(name))
        ends = {(report.message_id, report.to) for report in self.find_final(name)}
        return len(ends) >= len(self.messages[name]["destinations"])


def read_ids(exchange: Exchange) -> list[str]:
    """Return the messageIds of a reply, in its order."""
    return [entry.message_id for entry in exchange.reply.entries] if exchange.reply else []


def find_name(message: dict[str, Any]) -> str:
    """Return the name of a message, which stands in its notify URL."""
    return urlsplit(str(message["notifyUrl"])).path.rpartition("/")[2].rpartition("-")[0]


def choose_names(session: Session) -> list[str]:
    """Return the names that are sent in each format."""
    plan = session.plan
    names = find_names(few=not plan.profile.lists, waits=plan.patience > MINUTE, travels=plan.clock)
    left_out = {OTHER} if len(session.wires) == 1 else set()
    if "intermediate" in plan.without:
        left_out |= {ASKED, UNASKED}
    return [name for name in names if name not in left_out]


def check_reports(session: Session, wire: str) -> None:
    """Raise unless reports can come to this run, and this is a format that they are asked for in."""
    session.find_receiver()
    if "reports" in session.plan.without:
        raise NotApplicable("declared by --without reports")
    if not session.plan.profile.lists and wire != session.wires[0]:
        raise NotApplicable(FEWER)


def send_pushes(session: Session, wire: str) -> Exchange:
    """Return the exchange of the messages; where they are refused together, that of the plain one."""
    check_reports(session, wire)
    check_ground(session, wire)
    build_url = session.find_receiver().build_url
    document = build_pushes(choose_names(session), wire, build_url)
    together = session.share(PUSHES, wire, document, WHAT)
    check_answered(together)
    if together.accepts_any or together.taken:
        return together
    alone = session.share(
        "pushes alone", wire, build_alone(document), "a message with a notify URL"
    )
    check_answered(alone)
    return alone


def find_news(session: Session, wire: str, findings: list[Finding]) -> News:
    """Return what has come, once all has that comes by itself; Inconclusive when nothing was accepted."""
    news = News(session, wire, send_pushes(session, wire))
    if not news.accepted:
        root = is_explained(findings)
        raise Inconclusive("no message was accepted", because=root, exchange=news.exchange)
    if not is_answered_whole(news.exchange) and are_lists_lost(session, wire):
        raise Inconclusive("some lost", because=TWIN, exchange=news.exchange)
    news.wait()
    return news


def check_accepted(news: News, name: str, findings: list[Finding]) -> None:
    """Raise unless the message of a name was sent and accepted."""
    if name in news.accepted:
        return
    if name not in news.messages and not news.session.plan.profile.lists:
        raise NotApplicable("not asked in this profile, so that fewer messages are sent")
    got = "not accepted" if name in news.messages else "not among the messages that were accepted"
    raise Inconclusive(got, because=is_explained(findings), exchange=news.exchange)


def check_came(news: News) -> None:
    """Raise Inconclusive when no report has come that can be read."""
    if not news.reports():
        unreadable = news.hits() and all(read_push(hit) is None for hit in news.hits())
        root = "DLR-002" if unreadable else "DLR-001"
        raise Inconclusive("no report that can be read", because=root, exchange=news.exchange)
