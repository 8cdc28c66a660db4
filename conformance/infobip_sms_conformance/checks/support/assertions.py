"""Assertions that many checks share, made from an exchange.

A failure has one root. What cannot be decided because another requirement failed says so: it is
inconclusive, and names that requirement.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from infobip_sms_conformance.checks.support.account_limits import require_no_account_limit
from infobip_sms_conformance.checks.support.root_causes import (
    DOCUMENTED_REQUEST_REQUIREMENT,
    get_absence_cause,
    get_acceptance_violation,
    get_root_cause,
)
from infobip_sms_conformance.checks.support.xml_lists import (
    require_days_accepted,
    require_whole_lists,
)
from infobip_sms_conformance.contract.cases import get_case
from infobip_sms_conformance.contract.edits import parse_path
from infobip_sms_conformance.contract.files import (
    WIRES,
    Case,
    get_group_id,
    read_example,
)
from infobip_sms_conformance.fixtures.placement import (
    CaseDocument,
    build_case_document,
    build_unedited,
)
from infobip_sms_conformance.observations.exchange import (
    BAD_REQUEST,
    UNAUTHORIZED,
    Exchange,
    RequestOutcome,
    get_destinations,
)
from infobip_sms_conformance.observations.responses import ResponseEntry, SendResponse
from infobip_sms_conformance.observations.verdicts import (
    CheckError,
    CheckFailed,
    Explained,
    Inconclusive,
    explain,
)
from infobip_sms_conformance.session.budget import build_limits_document, get_accepted_cases
from infobip_sms_conformance.session.session import Session

WINDOW = "deliveryTimeWindow"
XML_PARITY_REQUIREMENT = "XML-004"
"""The root where that is so in XML alone."""


ACCEPTANCE = "HTTP 200 and a status of the PENDING group"
REJECTION = "HTTP 400, or HTTP 200 with a status of the REJECTED group at the destination"


def assert_case(session: Session, case: Case, wire: str) -> None:
    """Check the response to a case, once the minimal request has been accepted."""
    require_minimal_accepted(session, wire)
    (assert_case_rejected if case.rejected else assert_case_accepted)(session, case, wire)


def require_minimal_accepted(session: Session, wire: str) -> None:
    """Raise Inconclusive unless the minimal request was accepted: else a rejection says nothing."""
    if session.plan.profile.stops_at_acceptance:
        return
    minimal = session.send_example("minimal-request", wire)
    if minimal.outcome is not RequestOutcome.ACCEPTED:
        raise Inconclusive(
            "the minimal request was not accepted", caused_by=get_root_cause(minimal)
        )


def require_any_accepted(session: Session, wire: str) -> None:
    """Raise Inconclusive unless the minimal request was accepted, or at least the documented one."""
    if session.plan.profile.stops_at_acceptance:
        return
    try:
        require_minimal_accepted(session, wire)
    except Inconclusive:
        documented = session.send_example("documented-request", wire)
        if documented.outcome is not RequestOutcome.ACCEPTED:
            raise


def require_response(exchange: Exchange) -> None:
    """Raise if there is no response or the request was rate limited."""
    if exchange.outcome is RequestOutcome.NO_RESPONSE:
        raise CheckError(exchange.got, expected="a response", exchange=exchange)
    if exchange.outcome is RequestOutcome.THROTTLED:
        raise Inconclusive("rate limited by the server", exchange=exchange)


def assert_accepted(exchange: Exchange) -> None:
    """Demand that a request was accepted."""
    require_response(exchange)
    if exchange.outcome is not RequestOutcome.ACCEPTED:
        raise CheckFailed(exchange.got, expected=ACCEPTANCE, exchange=exchange)


def assert_succeeded(exchange: Exchange) -> None:
    """Demand that a request was not rejected; the group of its status is RESP-006's matter."""
    require_response(exchange)
    if exchange.status == UNAUTHORIZED:
        raise Inconclusive("the credentials were rejected", caused_by="AUTH-003", exchange=exchange)
    if not exchange.has_succeeded:
        raise CheckFailed(exchange.got, expected=ACCEPTANCE, exchange=exchange)
    if exchange.outcome is not RequestOutcome.ACCEPTED:
        raise Explained(
            exchange.got,
            expected=ACCEPTANCE,
            caused_by=get_acceptance_violation(exchange),
            exchange=exchange,
        )


# ------------------------------------------------------------------ cases


def assert_case_accepted(session: Session, case: Case, wire: str) -> None:
    """Demand that an edit is accepted: together with all others, or with some, or else alone."""
    derived = case.turn is not None
    together = session.send_limits(wire, derived=derived)
    index = find_index(case)
    if together.outcome is RequestOutcome.ACCEPTED or is_part_accepted(together, index):
        return
    if index is not None:
        some = session.send_limits_of(index, wire, derived=derived)
        if some.outcome is RequestOutcome.ACCEPTED:
            return
    alone = session.send_alone(case, wire)
    if (
        wire == "xml"
        and WINDOW in parse_path(case.path)
        and alone.outcome is RequestOutcome.REJECTED
    ):
        require_days_accepted(session)
    if alone.outcome is RequestOutcome.REJECTED:
        require_documented_value_accepted(session, case, alone)
    if has_unclear_status(alone) and any(map(has_unclear_status, session.send_pool(wire))):
        raise Explained(alone.got, expected=ACCEPTANCE, caused_by="RESP-006", exchange=alone)
    assert_accepted(replace(alone, place=build_case_document(case, "alone").path))


def has_unclear_status(exchange: Exchange) -> bool:
    """Tell whether a response is a success whose statuses mean neither acceptance nor rejection."""
    return exchange.has_succeeded and exchange.outcome not in {
        RequestOutcome.ACCEPTED,
        RequestOutcome.REJECTED,
    }


def require_documented_value_accepted(session: Session, case: Case, alone: Exchange) -> None:
    """Raise Explained when a field is rejected with its documented value as well."""
    wire = alone.wire
    plain, edited = build_unedited(case), build_case_document(case, "alone").document
    if has_more_fields(plain, edited):
        return
    what = f"the minimal request with {case.path} as documented"
    if plain == read_example("minimal-request") or has_accepted_sibling(session, case, plain, wire):
        return
    if (
        session.send_once(f"plain {case.path}", wire, plain, what).outcome
        is not RequestOutcome.REJECTED
    ):
        return
    other = (
        session.send_once(f"plain {case.path}", WIRES[0], plain, what) if wire == "xml" else None
    )
    root = (
        XML_PARITY_REQUIREMENT
        if other is not None and other.outcome is RequestOutcome.ACCEPTED
        else DOCUMENTED_REQUEST_REQUIREMENT
    )
    got = f"{alone.got}, with its documented value as well"
    raise Explained(got, expected=ACCEPTANCE, caused_by=root, exchange=alone)


def has_accepted_sibling(session: Session, case: Case, plain: Any, wire: str) -> bool:
    """Tell whether the edit is the documented value itself, and another value of the field is accepted."""
    if plain != build_case_document(case, "alone").document:
        return False
    others = (one for one in get_accepted_cases() if one.path == case.path and one != case)
    return any(
        session.send_alone(one, wire).outcome is RequestOutcome.ACCEPTED
        for one in others
        if wire in one.wires
    )


def find_index(case: Case) -> int | None:
    """Return which message of the request at all limits has an edit; none for one beside them."""
    places = build_limits_document(derived=case.turn is not None).cases_by_message
    return next((n for n, cases in enumerate(places) if case in cases), None)


def is_part_accepted(together: Exchange, index: int | None) -> bool:
    """Tell whether the message with an edit was accepted although others beside it were not."""
    entries = together.send_response.entries if together.send_response else ()
    if index is None or len(entries) != len(get_destinations(together.document)):
        return False
    return entries[index].group in {get_group_id("PENDING"), get_group_id("ACCEPTED")}


def assert_case_rejected(session: Session, case: Case, wire: str) -> None:
    """Demand that an edit is rejected; show a failure in the smallest document that shows it."""
    placed = session.build_case_document(case, wire)
    try:
        assert_edit_rejected(placed, session.send_case(case, wire))
    except CheckFailed as failure:
        if session.stopped:  # nothing more may be sent
            raise
        require_whole_lists(session, wire, failure)
        require_entries(session, wire, failure)
        if session.is_placed_alone(wire):
            raise
        try:
            assert_edit_rejected(build_case_document(case, "alone"), session.send_alone(case, wire))
        except CheckFailed as smaller:
            raise smaller from None
        except (Inconclusive, CheckError):
            pass
        raise failure from None


def has_more_fields(plain: Any, edited: Any) -> bool:
    """Tell whether the documented value of a window has fields that the edited one has not."""
    windows = [document["messages"][0].get(WINDOW) for document in (plain, edited)]
    return all(isinstance(w, dict) for w in windows) and windows[0].keys() > windows[1].keys()


def require_entries(session: Session, wire: str, failure: CheckFailed) -> None:
    """Raise Inconclusive where every faulty request gets a response without entries: no form of a rejection."""
    found = failure.exchange
    if found is None or not found.send_response or found.send_response.entries:
        return
    other = session.send_case(get_case("to-missing"), wire)
    if other.send_response and not has_documented_form(other):
        raise explain(failure, "HTTP-002") from None


def assert_edit_rejected(case_document: CaseDocument, exchange: Exchange) -> None:
    """Demand that a faulty request was not accepted; the form of a rejection is HTTP-002's matter."""
    if exchange.outcome is RequestOutcome.THROTTLED:
        raise Inconclusive("rate limited by the server", exchange=exchange)
    require_no_account_limit(exchange)
    if not has_documented_form(exchange):
        raise Explained(exchange.got, caused_by="HTTP-002", expected=REJECTION, exchange=exchange)
    if exchange.status == BAD_REQUEST:
        return
    if not exchange.send_response or not is_rejected(case_document, exchange.send_response):
        path = case_document.path
        raise CheckFailed(exchange.got, expected=REJECTION, exchange=exchange, place=path)


def has_documented_form(exchange: Exchange) -> bool:
    """Tell whether a response is one of the two that an invalid request may get, or a success."""
    if exchange.response is None:
        return False
    if exchange.response.status == BAD_REQUEST:
        return True
    silent = exchange.send_response is not None and not exchange.send_response.entries
    return exchange.send_response is not None and not (
        silent and get_destinations(exchange.document)
    )


def is_rejected(case_document: CaseDocument, response: SendResponse) -> bool:
    """Tell whether a response rejects the destinations that the edit concerns (READ-001)."""
    rejected = get_group_id("REJECTED")
    entries = get_affected_entries(case_document, response)
    return bool(entries) and all(entry.group == rejected for entry in entries)


def get_affected_entries(
    case_document: CaseDocument, response: SendResponse
) -> list[ResponseEntry]:
    """Return the entries of the destination or message that was edited.

    An edit outside of all messages, or in one without destinations, concerns any that is rejected.
    """
    concerned = get_affected_positions(case_document.document, parse_path(case_document.path))
    destinations = get_destinations(case_document.document)
    if concerned:
        return [get_entry(response, destinations, place) for place in concerned if response.entries]
    return [entry for entry in response.entries if entry.group == get_group_id("REJECTED")]


def get_affected_positions(document: Any, path: list[str | int]) -> list[int]:
    """Return the positions, among all destinations, of those that an edit at a path concerns."""
    places: list[int] = []
    position = 0
    messages = document.get("messages")
    for m, message in enumerate(messages if isinstance(messages, list) else []):
        destinations = message.get("destinations") if isinstance(message, dict) else None
        for d, _ in enumerate(destinations if isinstance(destinations, list) else []):
            here = ["messages", m, "destinations", d]
            if path[:2] == here[:2] and (path[2:3] != here[2:3] or path[:4] == here):
                places.append(position)
            position += 1
    return places


def get_entry(response: SendResponse, destinations: list[Any], position: int) -> ResponseEntry:
    """Return the entry of a destination: the one at its place, else the one with its number."""
    if len(response.entries) == len(destinations):
        return response.entries[position]
    number = drop_plus(destinations[position].get("to"))
    same = [entry for entry in response.entries if number and drop_plus(entry.to) == number]
    return same[0] if len(same) == 1 else response.entries[min(position, len(response.entries) - 1)]


def is_same_number(sent: Any, found: Any) -> bool:
    """Tell whether a number is the one that was sent, or the same without its plus (READ-007)."""
    return isinstance(sent, str) and found in {sent, sent.removeprefix("+")}


def drop_plus(number: Any) -> str:
    """Return a number without its plus, which a server may leave out (READ-007)."""
    return number.removeprefix("+") if isinstance(number, str) else ""


def assert_each(
    exchanges: Iterable[Exchange],
    concerns: Callable[[Exchange], bool],
    problem: Callable[[Exchange], str],
    expected: str,
) -> None:
    """Check every exchange that a requirement concerns; Inconclusive when there is none.

    Ends at the first problem, so that a server which answers faults with silence is caught before
    the run has to end.
    """
    concerned = 0
    seen: list[Exchange] = []
    for exchange in exchanges:
        seen.append(exchange)
        if not concerns(exchange):
            continue
        concerned += 1
        if found := problem(exchange):
            raise CheckFailed(found, expected=expected, exchange=exchange)
    if not concerned:
        got = "no response to a good request could be looked at"
        raise Inconclusive(got, expected=expected, caused_by=get_absence_cause(seen))
