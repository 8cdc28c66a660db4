"""Judgements that many checks share, made from an exchange.

Lives here: when a case was refused, when it was accepted, and when neither can be said.
Never here: sending outside of the session; knowledge of a single requirement.
"""

from collections.abc import Callable, Iterable
from typing import Any

from infobip_sms_conformance.data import Case, find_group
from infobip_sms_conformance.edits import build_edited, parse_path
from infobip_sms_conformance.exchanges import (
    BAD_REQUEST,
    UNAUTHORIZED,
    Exchange,
    Outcome,
    find_destinations,
)
from infobip_sms_conformance.replies import Entry, Reply
from infobip_sms_conformance.session import Session
from infobip_sms_conformance.verdicts import Broken, Finding, Inconclusive, NoReply, Verdict

# A generated request may be refused for what the checks of these chapters have already found.
CHAPTERS_OF_THE_REQUEST = ("SEND-", "WIN-", "VAL-", "SCHED-", "XML-002")

ACCEPTANCE = "HTTP 200 and a status of the PENDING group"
REFUSAL = "HTTP 400, or HTTP 200 with a status of the REJECTED group at the destination"


def judge_case(session: Session, case: Case, wire: str) -> None:
    """Judge the answer to a case, once its unedited example has been accepted."""
    check_ground(session.send_example(case.example, wire))
    exchange = session.send_case(case, wire)
    if case.refused:
        judge_refused(case, exchange)
    else:
        judge_accepted(exchange)


def check_ground(example: Exchange) -> None:
    """Raise Inconclusive unless an unedited example was accepted: else a refusal says nothing."""
    if example.outcome is not Outcome.ACCEPTED:
        raise Inconclusive("the unedited example was not accepted", sent=example.what)


def check_answered(exchange: Exchange) -> None:
    """Raise when there is no answer, or one that only asks for patience."""
    if exchange.outcome is Outcome.LOST:
        raise NoReply(exchange.got, sent=exchange.what, expected="an answer")
    if exchange.outcome is Outcome.THROTTLED:
        raise Inconclusive("the server asks for fewer requests", sent=exchange.what)


def judge_accepted(exchange: Exchange) -> None:
    """Demand that a request was accepted."""
    check_answered(exchange)
    if exchange.outcome is not Outcome.ACCEPTED:
        raise Broken(exchange.got, sent=exchange.what, expected=ACCEPTANCE)


def judge_taken(exchange: Exchange) -> None:
    """Demand that a request was not refused; the group of its status is RESP-006's matter."""
    check_answered(exchange)
    if exchange.answer and exchange.answer.status == UNAUTHORIZED:
        raise Inconclusive("the credentials were not taken; see AUTH-003", sent=exchange.what)
    if not exchange.taken:
        raise Broken(exchange.got, sent=exchange.what, expected=ACCEPTANCE)
    if exchange.outcome is not Outcome.ACCEPTED:
        raise Inconclusive(f"{exchange.got}; see the RESP requirements", sent=exchange.what)


def is_explained(findings: list[Finding]) -> bool:
    """Tell whether a member of the request has already failed a check of its own."""
    return any(
        finding.verdict is Verdict.FAIL and finding.requirement.startswith(CHAPTERS_OF_THE_REQUEST)
        for finding in findings
    )


def judge_refused(case: Case, exchange: Exchange) -> None:
    """Demand that a faulty request was not accepted; the form of a refusal is HTTP-002's matter."""
    if not is_refusal_in_form(exchange):
        raise Inconclusive(f"{exchange.got}; see HTTP-002", sent=exchange.what, expected=REFUSAL)
    answer, reply = exchange.answer, exchange.reply
    if answer and answer.status == BAD_REQUEST:
        return
    if not reply or not is_rejected(case, reply):
        raise Broken(exchange.got, sent=exchange.what, expected=REFUSAL)


def is_refusal_in_form(exchange: Exchange) -> bool:
    """Tell whether an answer is one of the two that a faulty request may get, or a success."""
    if exchange.answer is None:
        return False
    return exchange.answer.status == BAD_REQUEST or exchange.reply is not None


def is_rejected(case: Case, reply: Reply) -> bool:
    """Tell whether a reply rejects the destinations that the edit concerns (READ-001)."""
    rejected = find_group("REJECTED")
    entries = find_concerned(case, reply)
    return bool(entries) and all(entry.group == rejected for entry in entries)


def find_concerned(case: Case, reply: Reply) -> list[Entry]:
    """Return the entries of the destination or message that was edited.

    An edit outside of all messages, or in one without destinations, concerns any that is rejected.
    """
    document = build_edited(case)
    concerned = find_concerned_places(document, parse_path(case.path))
    destinations = find_destinations(document)
    if concerned:
        return [find_entry(reply, destinations, place) for place in concerned if reply.entries]
    return [entry for entry in reply.entries if entry.group == find_group("REJECTED")]


def find_concerned_places(document: Any, path: list[str | int]) -> list[int]:
    """Return the positions, among all destinations, of those that an edit at a path concerns."""
    places: list[int] = []
    position = 0
    messages = document.get("messages")
    for m, message in enumerate(messages if isinstance(messages, list) else []):
        for d, _ in enumerate(message.get("destinations") or []):
            here = ["messages", m, "destinations", d]
            if path[:2] == here[:2] and (path[2:3] != here[2:3] or path[:4] == here):
                places.append(position)
            position += 1
    return places


def find_entry(reply: Reply, destinations: list[Any], place: int) -> Entry:
    """Return the entry of a destination: the one with its number, else the one at its place."""
    number = drop_plus(destinations[place].get("to"))
    same = [entry for entry in reply.entries if number and drop_plus(entry.to) == number]
    return same[0] if len(same) == 1 else reply.entries[min(place, len(reply.entries) - 1)]


def drop_plus(number: Any) -> str:
    """Return a number without its plus, which a server may leave out (READ-007)."""
    return number.removeprefix("+") if isinstance(number, str) else ""


def judge_each(
    exchanges: Iterable[Exchange],
    concerns: Callable[[Exchange], bool],
    problem: Callable[[Exchange], str],
    expected: str,
) -> None:
    """Judge every exchange that a requirement concerns; Inconclusive when there is none.

    Ends at the first problem, so that a server which answers faults with silence is caught before
    the run has to end.
    """
    concerned = 0
    for exchange in filter(concerns, exchanges):
        concerned += 1
        if found := problem(exchange):
            raise Broken(found, sent=exchange.what, expected=expected)
    if not concerned:
        raise Inconclusive("no reply to a good request could be looked at", expected=expected)
