"""Lists in XML: whether they are read whole, and in which form days are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infobip_sms_conformance.contract.cases import get_case
from infobip_sms_conformance.contract.edits import apply_edit
from infobip_sms_conformance.contract.files import WIRES, read_example
from infobip_sms_conformance.observations.exchange import Exchange, RequestOutcome, get_destinations
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Explained,
    explain,
)

if TYPE_CHECKING:
    from infobip_sms_conformance.session.session import Session


def require_days_accepted(session: Session) -> None:
    """Raise Explained when no window is accepted in XML, because of the form of its days."""
    days = session.send_days()
    if days.outcome is RequestOutcome.REJECTED:
        got = f"{days.got}, because of its days"
        raise Explained(got, expected="accepted", caused_by="XML-002", exchange=days)


def find_lost_days(session: Session) -> Exchange | None:
    """Return an exchange that shows that not all days are read in XML; none if there is none.

    A day that is none is rejected where it stands alone, and among others in JSON, but not so in XML.
    """
    if are_lists_lost(session, "xml"):
        return None
    for case in (get_case("window-day-lower-case"), get_case("window-day-unknown")):
        among = session.send_case(case, "xml")
        if among.outcome is not RequestOutcome.ACCEPTED or WIRES[0] not in session.wires:
            continue
        window = {"days": [dict([case.edit])["set"]]}
        document = apply_edit(
            read_example("minimal-request"), "messages[0].deliveryTimeWindow", "set", window
        )
        what = f"the only day of case {case.id}"
        alone = session.send_once(f"only {case.id}", "xml", document, what)
        other = session.send_case(case, WIRES[0])
        if (alone.outcome, other.outcome) == (RequestOutcome.REJECTED, RequestOutcome.REJECTED):
            return among
    return None


def require_whole_lists(session: Session, wire: str, failure: CheckFailed) -> None:
    """Raise Explained where lists are not read whole in XML, and are in JSON."""
    if are_lists_lost(session, wire):
        raise explain(failure, "XML-004") from None


def are_lists_lost(session: Session, wire: str) -> bool:
    """Tell whether this is XML and its lists are not read whole, where those of JSON are."""
    if wire != "xml" or WIRES[0] not in session.wires:
        return False
    there, other = (session.send_example("documented-request", w) for w in (wire, WIRES[0]))
    return has_all_entries(other) and there.send_response is not None and not has_all_entries(there)


def has_all_entries(exchange: Exchange) -> bool:
    """Tell whether a response has an entry for every destination."""
    entries = exchange.send_response.entries if exchange.send_response else ()
    return len(entries) == len(get_destinations(exchange.document))
