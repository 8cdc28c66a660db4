"""Every operation with what a call of it needs, for what holds of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infobip_sms_conformance.checks.support.calls import send_bulk
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.fixtures.lookup_batch import HOUR, format_instant, get_relative_instant
from infobip_sms_conformance.observations.exchange import OK_STATUSES, Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infobip_sms_conformance.session.session import Session

FEATURES = {
    "sendV1": "v1",
    "fetchDeliveryReports": "pull",
    "getLogs": "logs",
    "preview": "preview",
    "getScheduled": "bulks",
    "reschedule": "bulks",
    "getScheduledStatus": "bulks",
    "setScheduledStatus": "bulks",
    "recordConversion": "tracking",
}
"""The operations besides that of version 2, each with the feature that it belongs to."""


@dataclass(frozen=True)
class Call:
    """What an operation is called with."""

    document: Any = None
    query: tuple[tuple[str, str], ...] = ()
    path_parameters: tuple[tuple[str, str], ...] = ()


def iter_offered(session: Session) -> Iterator[str]:
    """Yield the operations that the run does not go without."""
    without = session.plan.without | session.plan.profile.without
    yield from (name for name, feature in FEATURES.items() if feature not in without)


def build_call(session: Session, operation: str, bulk_id: str) -> Call:
    """Return a call that a server carries out, if it is to."""
    later = format_instant(get_relative_instant(HOUR * 2))
    named = session.send_named(session.wires[0]).document
    message_id = named["messages"][0]["destinations"][0]["messageId"]
    bulk = (("bulkId", bulk_id),)
    calls = {
        "send": Call(read_example("minimal-request")),
        "sendV1": Call(read_example("minimal-request")),
        "preview": Call({"text": "Tide tables are out."}),
        "getLogs": Call(query=(("bulkId", str(named["bulkId"])),)),
        "fetchDeliveryReports": Call(query=(("messageId", "CONFORMANCE-NO-SUCH-MESSAGE"),)),
        "reschedule": Call({"sendAt": later}, bulk),
        "setScheduledStatus": Call({"status": "CANCELED"}, bulk),
        "recordConversion": Call(path_parameters=(("messageId", message_id),)),
    }
    return calls.get(operation, Call(query=bulk))


def vary_every_operation(session: Session) -> None:
    """Call with other header fields what is offered, unless it was called so before."""
    for operation in iter_offered(session):
        if operation in session.variations.get_operations():
            continue
        call = build_call(session, operation, str(send_bulk(session).document["bulkId"]))
        session.call(
            operation,
            session.wires[0],
            f"other header fields: {operation}",
            call.document,
            query=call.query,
            path_parameters=dict(call.path_parameters),
            succeeds=True,
        )


def call_with(  # noqa: PLR0913, PLR0917 - what a call is made of
    session: Session, operation: str, wire: str, label: str, call: Call, authorization: str | None
) -> Exchange:
    """Call an operation with an Authorization of choice."""
    return session.call(
        operation,
        wire,
        f"{label}: {operation}",
        call.document,
        query=call.query,
        path_parameters=dict(call.path_parameters),
        headers={"authorization": authorization},
    )


def is_carried_out(session: Session, operation: str) -> bool:
    """Tell whether an operation was carried out in the run."""
    found = read_operations()[operation]
    start = found.path.partition("{")[0]
    return any(
        e.request is not None
        and e.request.method == found.method
        and e.request.path.partition("?")[0].startswith(start)
        and (e.request.path.partition("?")[0] == start or "{" in found.path)
        and e.status in OK_STATUSES
        for e in session.exchanges
    )
