"""The messages of webhook_messages.py in one format: sent once, and what has come of them by now."""

import math
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from infobip_sms_conformance.checks.support.assertions import (
    XML_PARITY_REQUIREMENT,
    drop_plus,
    get_entry,
    require_any_accepted,
    require_response,
)
from infobip_sms_conformance.checks.support.root_causes import get_rejected_field
from infobip_sms_conformance.checks.support.xml_lists import are_lists_lost, has_all_entries
from infobip_sms_conformance.contract.files import get_group_id
from infobip_sms_conformance.fixtures.webhook_messages import (
    LATER,
    MESSAGE_TEXTS,
    MINUTE,
    NOT_ACKNOWLEDGED,
    OPEN,
    OTHER_FORMAT,
    PROMPT,
    WEBHOOK_MESSAGES,
    WHOLE,
    WITH_INTERMEDIATE,
    WITHOUT_INTERMEDIATE,
    build_alone,
    build_plainer,
    build_webhook_messages,
    get_names,
)
from infobip_sms_conformance.observations.delivery_reports import (
    ReceivedReport,
    parse_call,
    parse_reports,
)
from infobip_sms_conformance.observations.exchange import Exchange, get_destinations
from infobip_sms_conformance.observations.verdicts import (
    CheckError,
    Finding,
    Inconclusive,
    NotApplicable,
)
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.webhook_receiver import WebhookCall, WebhookReceiver

LABEL = "messages with notify URLs"
ACCEPTING = {"PENDING", "ACCEPTED"}
MISSING = {
    OPEN: "in the last minutes of a day, by UTC, no window is just open; run it again in some minutes"
}
"""Why a message was not sent."""
FEWER = "checked in the other format, so that fewer messages are sent"


class WebhookRun:
    """What was sent in one format, by name, and what has come."""

    def __init__(self, session: Session, wire: str, exchange: Exchange) -> None:
        self.session, self.wire, self.exchange = session, wire, exchange
        self.receiver: WebhookReceiver = session.require_receiver()
        self.until = math.inf
        """What comes after this is not looked at."""
        found = {get_name(message): message for message in exchange.document["messages"]}
        self.messages: dict[str, Any] = found
        self._known_ids: dict[str, list[tuple[str, set[str]]]] = {}
        self.accepted = [name for name in found if self._is_accepted(name)]

    def calls(self, *names: str) -> list[WebhookCall]:
        """Return the deliveries of some names, or of all, in the order in which they came."""
        wanted = {f"{name}-{self.wire}" for name in names or self.messages}
        return [hit for hit in self.receiver.calls() if hit.name in wanted and hit.at < self.until]

    def all_reports(self, name: str) -> list[ReceivedReport]:
        """Return the readable reports that came to the notify URL of a name."""
        return [report for hit in self.calls(name) for report in parse_reports(hit)]

    def reports(self, *names: str) -> list[ReceivedReport]:
        """Return the readable reports of some names, or of all; not those of other messages."""
        chosen = [name for name in names or self.messages if name in self.messages]
        return [r for name in chosen for r in self.all_reports(name) if self.is_own(name, r)]

    def own_calls(self, name: str) -> list[WebhookCall]:
        """Return the deliveries of a name, but for those with reports of other messages alone."""
        strange = {id(r.call) for r in self.all_reports(name)} - {
            id(r.call) for r in self.reports(name)
        }
        return [hit for hit in self.calls(name) if id(hit) not in strange]

    def is_own(self, name: str, report: ReceivedReport) -> bool:
        """Tell whether a report is of a message of a name, or of no message that is known."""
        others = (self.get_ids(other) for other in self.messages if other != name)
        return report.message_id in self.get_ids(name) or not any(
            report.message_id in ids for ids in others
        )

    def get_ids(self, name: str) -> set[str]:
        """Return the messageIds that reports of a name may have."""
        return set[str]().union(*(known for _, known in self.get_known_ids(name)))

    def is_unreadable(self, name: str) -> bool:
        """Tell whether something came for a name, and no report with a status that can be read: DLR-001's matter."""
        statuses = (report.is_final or report.is_intermediate for report in self.reports(name))
        return bool(self.calls(name)) and not any(statuses)

    def get_final_reports(self, name: str) -> list[ReceivedReport]:
        """Return the reports of a name after which nothing more comes."""
        return [report for report in self.reports(name) if report.is_final]

    def is_sent(self, name: str) -> bool:
        """Tell whether a report says that a message of a name was sent."""
        return any(report.is_sent for report in self.get_final_reports(name))

    def get_send_at(self) -> float:
        """Return when the scheduled message is due; when all was sent, if there is none."""
        text = self.messages.get(LATER, {}).get("sendAt")
        return datetime.fromisoformat(text).timestamp() if text else self.exchange.at

    def get_missing(self) -> tuple[list[str], str]:
        """Return the names for which nothing came, and the requirement that this breaks.

        The root is what sets those names apart from the others.
        """
        expected = [name for name in PROMPT if name in self.accepted]
        missing = [name for name in expected if not self.calls(name)]
        own = [name for name in expected if name != OTHER_FORMAT]
        if (
            missing
            and len(expected) > 1
            and missing in ([OTHER_FORMAT], own)
            and OTHER_FORMAT in expected
        ):
            return missing, "DLR-002"
        if missing == [WITH_INTERMEDIATE] and len(expected) > 1:
            return missing, "DLR-005"
        return missing, "DLR-001" if missing else ""

    def exchange_for(self, name: str, call: WebhookCall | None = None) -> Exchange:
        """Return the exchange with the place of the message of a name, and a delivery of it, or the last one."""
        hits = [call] if call else self.calls(name)
        came = hits[-1].body if hits else b""
        index = list(self.messages).index(name)
        return replace(self.exchange, callback=came, place=f"messages[{index}]")

    def describe(self, name: str) -> str:
        """Name one of the messages."""
        return f"{self.exchange.label}: {MESSAGE_TEXTS[name]}"

    def describe_silence(self) -> str:
        """Say for which messages no report came."""
        names = [MESSAGE_TEXTS[name] for name in self.get_missing()[0]]
        some = f" for {', '.join(names)}" if self.calls() else ""
        return f"no delivery report{some} within {self.session.plan.patience:g} s"

    def _is_accepted(self, name: str) -> bool:
        """Tell whether every destination of a name was accepted, if the response is readable."""
        response = self.exchange.send_response
        if response is None or not response.entries:
            return self.exchange.has_succeeded
        destinations = get_destinations(self.exchange.document)
        own = self.messages[name]["destinations"]
        groups = {
            get_entry(response, destinations, place).group
            for place, destination in enumerate(destinations)
            if any(destination is one for one in own)
        }
        return groups <= {get_group_id(one) for one in ACCEPTING}

    def get_known_ids(self, name: str) -> list[tuple[str, set[str]]]:
        """Return number and possible messageIds of each destination of a name; no ids for any.

        An id is the one that was given or the one in the response; whether those two agree is RESP-003's
        matter, and whether ids are unique RESP-005's.
        """
        if name not in self._known_ids:
            self._known_ids[name] = self._read_known_ids(name)
        return self._known_ids[name]

    def _read_known_ids(self, name: str) -> list[tuple[str, set[str]]]:
        destinations = get_destinations(self.exchange.document)
        given = {one["messageId"] for one in destinations if "messageId" in one}
        replied = get_message_ids(self.exchange)
        usable = len(replied) == len(set(replied)) == len(destinations) and not (
            (set(replied) - given) & self._get_other_ids()
        )
        known = []
        for place, one in enumerate(destinations):
            if any(one is own for own in self.messages[name]["destinations"]):
                ids = {one["messageId"]} if "messageId" in one else set()
                beside = set(replied[place : place + 1] if ids else replied) - given
                known.append((drop_plus(one["to"]), ids | beside if usable else ids))
        return known

    def _get_other_ids(self) -> set[str]:
        """Return the messageIds in the responses to other requests."""
        others = [e for e in self.session.exchanges if e is not self.exchange]
        return {message_id for exchange in others for message_id in get_message_ids(exchange)}

    def get_bulk_ids(self) -> set[str]:
        """Return the bulkIds that a report may have; none where the response has none (READ-002)."""
        replied = self.exchange.send_response.bulk_id if self.exchange.send_response else ""
        given = self.exchange.document.get("bulkId", replied)
        return {replied, given} if replied else set()

    # -------------------------------------------------------------- waiting

    def wait(self) -> None:
        """Wait until every report has come that is to come by itself, or patience is at its end."""
        end = self.exchange.at + self.session.plan.patience
        self.wait_for([name for name in self.accepted if name in {*PROMPT, OPEN, WHOLE}], end)
        if LATER in self.accepted and self.calls():
            self.wait_for([LATER], self.get_send_at() + self.session.plan.patience)

    def wait_for(self, names: Collection[str], end: float) -> bool:
        """Wait until the messages of some names have come to their end; by time.time."""
        return self.wait_until(lambda: all(map(self.is_complete, names)), end)

    def wait_until(self, condition: Callable[[], bool], end: float) -> bool:
        """Wait until something holds of what came; by time.time."""
        return self.receiver.wait(lambda _: condition(), end - time.time())

    def is_complete(self, name: str) -> bool:
        """Tell whether the last report of every destination of a name has come."""
        if name == NOT_ACKNOWLEDGED:
            return bool(self.calls(name))
        ends = {(report.message_id, report.to) for report in self.get_final_reports(name)}
        return len(ends) >= len(self.messages[name]["destinations"])


def get_message_ids(exchange: Exchange) -> list[str]:
    """Return the messageIds of a response, in its order."""
    return (
        [entry.message_id for entry in exchange.send_response.entries]
        if exchange.send_response
        else []
    )


def get_name(message: dict[str, Any]) -> str:
    """Return the name of a message, which is in its notify URL."""
    last = urlsplit(str(message["notifyUrl"])).path.rpartition("/")[2]
    return last.rpartition("-")[0].lower()


def choose_names(session: Session) -> list[str]:
    """Return the names that are sent in each format."""
    plan = session.plan
    names = get_names(
        few=not plan.profile.has_long_lists, waits=plan.patience > MINUTE, travels=plan.clock
    )
    left_out = {OTHER_FORMAT} if len(session.wires) == 1 else set()
    if "intermediate" in plan.without:
        left_out |= {WITH_INTERMEDIATE, WITHOUT_INTERMEDIATE}
    return [name for name in names if name not in left_out]


def require_reports(session: Session, wire: str) -> None:
    """Raise unless reports can come to this run, and this is a format that they are asked for in."""
    session.require_receiver()
    if "reports" in session.plan.without:
        raise NotApplicable("declared by --without reports")
    if not session.plan.profile.has_long_lists and wire != session.wires[0]:
        raise NotApplicable(FEWER)


def send_webhook_messages(session: Session, wire: str) -> Exchange:
    """Return the exchange of the messages; where they are rejected together, that of some, or of the plain one."""
    require_reports(session, wire)
    require_any_accepted(session, wire)
    build_url = session.require_receiver().build_url
    document = build_webhook_messages(choose_names(session), wire, build_url)
    together = session.send_once(WEBHOOK_MESSAGES, wire, document, LABEL)
    require_response(together)
    if together.has_accepted_destination or together.has_succeeded:
        return together
    for some, beside in build_plainer(document):
        found = session.send_once(f"pushes {beside}", wire, some, f"{LABEL}, {beside}")
        if found.has_accepted_destination or found.has_succeeded:
            return found
    alone = session.send_once(
        "pushes alone", wire, build_alone(document), "a message with a notify URL"
    )
    require_response(alone)
    return alone


def get_webhook_run(session: Session, wire: str, findings: list[Finding]) -> WebhookRun:
    """Return what has come, once all has that comes by itself; Inconclusive when nothing was accepted."""
    for other in session.wires:  # so that what is waited for comes at the same time
        if other != wire and session.plan.profile.has_long_lists:
            with suppress(Inconclusive, CheckError):
                send_webhook_messages(session, other)
    news = WebhookRun(session, wire, send_webhook_messages(session, wire))
    if not news.accepted:
        root = get_rejected_field(findings, news.exchange)
        raise Inconclusive("no message was accepted", caused_by=root, exchange=news.exchange)
    if not has_all_entries(news.exchange) and are_lists_lost(session, wire):
        raise Inconclusive("some lost", caused_by=XML_PARITY_REQUIREMENT, exchange=news.exchange)
    news.wait()
    return news


def require_accepted(webhook_run: WebhookRun, name: str, findings: list[Finding]) -> None:
    """Raise unless the message of a name was sent and accepted."""
    if name in webhook_run.accepted:
        return
    if name not in webhook_run.messages and not webhook_run.session.plan.profile.has_long_lists:
        raise NotApplicable("not asked in this profile, so that fewer messages are sent")
    got = (
        "not accepted"
        if name in webhook_run.messages
        else MISSING.get(name, "not among the messages that were accepted")
    )
    whole = webhook_run.session.find(WEBHOOK_MESSAGES, webhook_run.wire) or webhook_run.exchange
    raise Inconclusive(got, caused_by=get_rejected_field(findings, whole), exchange=whole)


def require_reports_received(webhook_run: WebhookRun) -> None:
    """Raise Inconclusive when no report has come that can be read."""
    if not webhook_run.reports():
        unreadable = webhook_run.calls() and all(
            parse_call(hit) is None for hit in webhook_run.calls()
        )
        root = "DLR-002" if unreadable else "DLR-001"
        raise Inconclusive(
            "no report that can be read", caused_by=root, exchange=webhook_run.exchange
        )
