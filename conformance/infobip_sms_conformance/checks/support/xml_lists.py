"""Lists in XML: whether they are read whole, and in which form days are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infobip_sms_conformance.contract.edits import apply_edit
from infobip_sms_conformance.contract.files import WIRES, find_case, read_example
from infobip_sms_conformance.observations.exchange import Exchange, Outcome, find_destinations
from infobip_sms_conformance.observations.verdicts import Broken, Inconclusive

if TYPE_CHECKING:
    from infobip_sms_conformance.session.session import Session


def check_days(session: Session) -> None:
    """Raise Inconclusive when no window is accepted in XML, because of the form of its days."""
    days = session.send_days()
    if days.outcome is Outcome.REFUSED:
        raise Inconclusive("refused because of its days", because="XML-002", exchange=days)


def find_lost_days(session: Session) -> Exchange | None:
    """Return an exchange that shows that not all days are read in XML; none if there is none.

    A day that is none is refused where it stands alone, and among others in JSON, but not so in XML.
    """
    if are_lists_lost(session, "xml"):
        return None
    for case in (find_case("window-day-lower-case"), find_case("window-day-unknown")):
        among = session.send_case(case, "xml")
        if among.outcome is not Outcome.ACCEPTED or WIRES[0] not in session.wires:
            continue
        window = {"days": [dict([case.edit])["set"]]}
        document = apply_edit(
            read_example("minimal-request"), "messages[0].deliveryTimeWindow", "set", window
        )
        what = f"the only day of case {case.id}"
        alone = session.share(f"only {case.id}", "xml", document, what)
        twin = session.send_case(case, WIRES[0])
        if (alone.outcome, twin.outcome) == (Outcome.REFUSED, Outcome.REFUSED):
            return among
    return None


def check_lists(session: Session, wire: str, failure: Broken) -> None:
    """Raise Inconclusive where lists are not read whole in XML, and are in JSON."""
    if are_lists_lost(session, wire):
        raise Inconclusive(failure.got, because="XML-004", exchange=failure.exchange) from None


def are_lists_lost(session: Session, wire: str) -> bool:
    """Tell whether this is XML and its lists are not read whole, where those of JSON are."""
    if wire != "xml" or WIRES[0] not in session.wires:
        return False
    there, twin = (session.send_example("documented-request", w) for w in (wire, WIRES[0]))
    return is_answered_whole(twin) and there.reply is not None and not is_answered_whole(there)


def is_answered_whole(exchange: Exchange) -> bool:
    """Tell whether a reply has an entry for every destination."""
    entries = exchange.reply.entries if exchange.reply else ()
    return len(entries) == len(find_destinations(exchange.document))
