"""Judgements that many checks share, made from an exchange.

A failure has one root. What cannot be told because another requirement failed says so: it is
inconclusive, and names that requirement.

Lives here: when a case was refused, when it was accepted, and when neither can be said.
Never here: sending outside of the session; knowledge of a single requirement, but for the roots.
"""

from collections.abc import Callable, Iterable
from typing import Any

from infobip_sms_conformance.checks.support.xml_lists import check_days, check_lists
from infobip_sms_conformance.contract.codec import parse_json, parse_tree
from infobip_sms_conformance.contract.edits import parse_path
from infobip_sms_conformance.contract.files import WIRES, Case, find_case, find_group, read_example
from infobip_sms_conformance.fixtures.placement import Placed, build_unedited, place
from infobip_sms_conformance.observations.exchange import (
    BAD_REQUEST,
    UNAUTHORIZED,
    Exchange,
    Outcome,
    find_destinations,
)
from infobip_sms_conformance.observations.responses import Entry, Reply, find_wire
from infobip_sms_conformance.observations.verdicts import (
    Broken,
    Finding,
    Inconclusive,
    NoReply,
    Verdict,
)
from infobip_sms_conformance.session.budget import pack_limits
from infobip_sms_conformance.session.session import Session

# A generated request may be refused for what the checks of these chapters have already found.
CHAPTERS_OF_THE_REQUEST = ("SEND-", "WIN-", "VAL-", "SCHED-", "XML-002")
WINDOW = "deliveryTimeWindow"
SMALLEST = "SEND-026"
"""The root of all failures in a format: the smallest request is not accepted."""
WHOLE = "SEND-020"
"""The root where a member is refused, whatever its value: the documented request has them all."""
TWIN = "XML-004"
"""The root where that is so in XML alone."""

FORMS = {"json": "HTTP-004", "xml": "HTTP-005"}
"""The root where a reply is no document of either format."""

ACCEPTANCE = "HTTP 200 and a status of the PENDING group"
REFUSAL = "HTTP 400, or HTTP 200 with a status of the REJECTED group at the destination"


def judge_case(session: Session, case: Case, wire: str) -> None:
    """Judge the answer to a case, once the minimal request has been accepted."""
    check_ground(session, wire)
    (judge_refused_case if case.refused else judge_accepted_case)(session, case, wire)


def check_ground(session: Session, wire: str) -> None:
    """Raise Inconclusive unless the minimal request was accepted: else a refusal says nothing."""
    if session.plan.profile.stops_at_acceptance:
        return
    minimal = session.send_example("minimal-request", wire)
    if minimal.outcome is not Outcome.ACCEPTED:
        raise Inconclusive("the minimal request was not accepted", because=find_root(minimal))


def find_root(minimal: Exchange) -> str:
    """Return the requirement that a minimal request breaks which is not accepted."""
    if minimal.status == UNAUTHORIZED:
        return "AUTH-003"
    return find_lack(minimal) if minimal.taken else SMALLEST


def find_lack(taken: Exchange) -> str:
    """Return the requirement that a reply breaks which is a success and yet shows no acceptance."""
    if taken.reply:
        return "RESP-006"
    return "RESP-001" if is_document(taken) else FORMS[taken.wire]


def is_document(exchange: Exchange) -> bool:
    """Tell whether a body can be read as JSON or XML at all."""
    body = exchange.answer.body if exchange.answer else b""
    try:
        parse_tree(body) if find_wire(body) == "xml" else parse_json(body)
    except ValueError:
        return False
    return True


def check_answered(exchange: Exchange) -> None:
    """Raise when there is no answer, or one that only asks for patience."""
    if exchange.outcome is Outcome.LOST:
        raise NoReply(exchange.got, expected="an answer", exchange=exchange)
    if exchange.outcome is Outcome.THROTTLED:
        raise Inconclusive("the server asks for fewer requests", exchange=exchange)


def judge_accepted(exchange: Exchange) -> None:
    """Demand that a request was accepted."""
    check_answered(exchange)
    if exchange.outcome is not Outcome.ACCEPTED:
        raise Broken(exchange.got, expected=ACCEPTANCE, exchange=exchange)


def judge_taken(exchange: Exchange) -> None:
    """Demand that a request was not refused; the group of its status is RESP-006's matter."""
    check_answered(exchange)
    if exchange.status == UNAUTHORIZED:
        raise Inconclusive("the credentials were not taken", because="AUTH-003", exchange=exchange)
    if not exchange.taken:
        raise Broken(exchange.got, expected=ACCEPTANCE, exchange=exchange)
    if exchange.outcome is not Outcome.ACCEPTED:
        raise Inconclusive(exchange.got, because=find_lack(exchange), exchange=exchange)


def is_explained(findings: list[Finding]) -> str:
    """Return the requirement of a member of the request that has failed a check of its own."""
    return next(
        (
            finding.requirement
            for finding in findings
            if finding.verdict is Verdict.FAIL
            and finding.requirement.startswith(CHAPTERS_OF_THE_REQUEST)
        ),
        "",
    )


# ------------------------------------------------------------------ cases


def judge_accepted_case(session: Session, case: Case, wire: str) -> None:
    """Demand that an edit is accepted: together with all others, or with some, or else alone."""
    together = session.send_limits(wire)
    index = find_index(case)
    if together.outcome is Outcome.ACCEPTED or is_part_accepted(together, index):
        return
    if index is not None and session.send_limits_of(index, wire).outcome is Outcome.ACCEPTED:
        return
    alone = session.send_alone(case, wire)
    if wire == "xml" and WINDOW in parse_path(case.path) and alone.outcome is Outcome.REFUSED:
        check_days(session)
    if alone.outcome is Outcome.REFUSED:
        check_member(session, case, wire)
    if is_odd(alone) and any(map(is_odd, session.send_pool(wire))):
        raise Inconclusive(alone.got, because="RESP-006", exchange=alone)
    judge_accepted(alone)


def is_odd(exchange: Exchange) -> bool:
    """Tell whether a reply is a success whose statuses mean neither acceptance nor refusal."""
    return exchange.taken and exchange.outcome not in {Outcome.ACCEPTED, Outcome.REFUSED}


def check_member(session: Session, case: Case, wire: str) -> None:
    """Raise Inconclusive when a member is refused with its documented value as well."""
    plain = build_unedited(case)
    if has_more(plain, place(case, "alone").document):
        return
    what = f"the minimal request with {case.path} as documented"
    if plain == read_example("minimal-request"):
        return
    if session.share(f"plain {case.path}", wire, plain, what).outcome is not Outcome.REFUSED:
        return
    twin = session.share(f"plain {case.path}", WIRES[0], plain, what) if wire == "xml" else None
    root = TWIN if twin is not None and twin.outcome is Outcome.ACCEPTED else WHOLE
    raise Inconclusive("refused with its documented value as well", because=root)


def find_index(case: Case) -> int | None:
    """Return which message of the request at all limits has an edit; none for one beside them."""
    places = pack_limits().places
    return next((n for n, cases in enumerate(places) if case in cases), None)


def is_part_accepted(together: Exchange, index: int | None) -> bool:
    """Tell whether the message with an edit was accepted although others beside it were not."""
    entries = together.reply.entries if together.reply else ()
    if index is None or len(entries) != len(find_destinations(together.document)):
        return False
    return entries[index].group in {find_group("PENDING"), find_group("ACCEPTED")}


def judge_refused_case(session: Session, case: Case, wire: str) -> None:
    """Demand that an edit is refused; show a failure in the smallest document that shows it."""
    placed = session.place(case, wire)
    try:
        judge_refused(placed, session.send_case(case, wire))
    except Broken as failure:
        if session.stopped:  # nothing more may be sent
            raise
        check_lists(session, wire, failure)
        check_silence(session, wire, failure)
        if session.stands_alone(wire):
            raise
        try:
            judge_refused(place(case, "alone"), session.send_alone(case, wire))
        except Broken as smaller:
            raise smaller from None
        except (Inconclusive, NoReply):
            pass
        raise failure from None


def has_more(plain: Any, edited: Any) -> bool:
    """Tell whether the documented value of a window has members that the edited one has not."""
    windows = [document["messages"][0].get(WINDOW) for document in (plain, edited)]
    return all(isinstance(w, dict) for w in windows) and windows[0].keys() > windows[1].keys()


def check_silence(session: Session, wire: str, failure: Broken) -> None:
    """Raise Inconclusive where every faulty request gets a reply without entries: no form of a refusal."""
    found = failure.exchange
    if found is None or not found.reply or found.reply.entries:
        return
    other = session.send_case(find_case("to-missing"), wire)
    if other.reply and not is_refusal_in_form(other):
        raise Inconclusive(failure.got, because="HTTP-002", exchange=found) from None


def judge_refused(placed: Placed, exchange: Exchange) -> None:
    """Demand that a faulty request was not accepted; the form of a refusal is HTTP-002's matter."""
    if exchange.outcome is Outcome.THROTTLED:
        raise Inconclusive("the server asks for fewer requests", exchange=exchange)
    if not is_refusal_in_form(exchange):
        raise Inconclusive(exchange.got, because="HTTP-002", expected=REFUSAL, exchange=exchange)
    if exchange.status == BAD_REQUEST:
        return
    if not exchange.reply or not is_rejected(placed, exchange.reply):
        raise Broken(exchange.got, expected=REFUSAL, exchange=exchange)


def is_refusal_in_form(exchange: Exchange) -> bool:
    """Tell whether an answer is one of the two that a faulty request may get, or a success."""
    if exchange.answer is None:
        return False
    if exchange.answer.status == BAD_REQUEST:
        return True
    silent = exchange.reply is not None and not exchange.reply.entries
    return exchange.reply is not None and not (silent and find_destinations(exchange.document))


def is_rejected(placed: Placed, reply: Reply) -> bool:
    """Tell whether a reply rejects the destinations that the edit concerns (READ-001)."""
    rejected = find_group("REJECTED")
    entries = find_concerned(placed, reply)
    return bool(entries) and all(entry.group == rejected for entry in entries)


def find_concerned(placed: Placed, reply: Reply) -> list[Entry]:
    """Return the entries of the destination or message that was edited.

    An edit outside of all messages, or in one without destinations, concerns any that is rejected.
    """
    concerned = find_concerned_places(placed.document, parse_path(placed.path))
    destinations = find_destinations(placed.document)
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
    """Return the entry of a destination: the one at its place, else the one with its number."""
    if len(reply.entries) == len(destinations):
        return reply.entries[place]
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
    concerned, first = 0, None
    for exchange in exchanges:
        first = first or exchange
        if not concerns(exchange):
            continue
        concerned += 1
        if found := problem(exchange):
            raise Broken(found, expected=expected, exchange=exchange)
    if not concerned:
        got = "no reply to a good request could be looked at"
        raise Inconclusive(got, expected=expected, because=find_reason(first))


def find_reason(first: Exchange | None) -> str:
    """Return the requirement for whose failure no exchange could be looked at, if the first shows it."""
    if first is None or first.answer is None or (first.taken and first.reply):
        return ""
    return find_root(first) if first.taken or first.status == UNAUTHORIZED else ""
