"""Calls of the operations around the message, shared between checks and alternating between the formats."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from infobip_sms_conformance.checks.support.assertions import (
    require_any_accepted,
    require_response,
)
from infobip_sms_conformance.checks.support.root_causes import get_rejected_field
from infobip_sms_conformance.contract.codec import MEDIA_TYPES, OTHER_FORMAT
from infobip_sms_conformance.contract.files import read_example, read_numbers
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.fixtures.lookup_batch import (
    HOUR,
    BatchMessage,
    build_batch,
    build_plainer_batches,
    format_instant,
    get_relative_instant,
    read_batch,
)
from infobip_sms_conformance.observations.exchange import (
    OK_STATUSES,
    UNAUTHORIZED,
    Exchange,
    RequestOutcome,
)
from infobip_sms_conformance.observations.tolerant_reader import find_list
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Explained,
    Finding,
    Inconclusive,
    NotApplicable,
    Verdict,
    explain,
)
from infobip_sms_conformance.session.budget import ATTEMPTS, BATCH_SIZE
from infobip_sms_conformance.session.session import Session

BULK_ID = "CONFORMANCE BULK 50%2B+"
"""With signs that a query has to escape, and a document has not."""
BATCH, WHOLE_BATCH = "batch", "whole batch"
CHECKED_IN_OTHER_FORMAT = "checked in the other format"
FIRST_FORMAT, SECOND_FORMAT = 0, 1
"""The format of a call: the first of the run, or the second if there is one."""


# ------------------------------------------------------------------ calls


def get_wire(session: Session, format_index: int) -> str:
    """Return the format at an index; the first one if the run has no second."""
    return session.wires[format_index % len(session.wires)]


def require_format(session: Session, wire: str, format_index: int) -> None:
    """Raise NotApplicable unless a check is run in the format at the index."""
    if wire != get_wire(session, format_index):
        raise NotApplicable(CHECKED_IN_OTHER_FORMAT)


def call_once(  # noqa: PLR0913 - what a call is made of
    session: Session,
    format_index: int,
    operation: str,
    label: str,
    document: Any = None,
    *,
    query: Sequence[tuple[str, str]] = (),
    path_parameters: Mapping[str, str] | None = None,
    succeeds: bool = True,
) -> Exchange:
    """Return the exchange of that name, calling the operation when it is first asked for.

    succeeds: whether a correct server carries the call out.
    """
    wire = get_wire(session, format_index)
    found = session.find(label, wire)
    if found is None:
        found = session.call(
            operation,
            wire,
            label,
            document,
            query=query,
            path_parameters=path_parameters,
            succeeds=succeeds,
        )
    return session.keep(label, wire, found)


def call_until(
    session: Session,
    label: str,
    format_index: int,
    call: Callable[[], Exchange],
    condition: Callable[..., bool],
) -> Exchange:
    """Call again while something does not hold of a list, a few times within the run's patience."""
    wire = get_wire(session, format_index)
    found = session.find(label, wire)
    if found is not None:
        return found
    found = call()
    for _ in range(ATTEMPTS - 1):
        if find_entries(found) is None or condition(found):
            break
        time.sleep(session.plan.patience / (ATTEMPTS - 1))
        found = call()
    return session.keep(label, wire, found)


# ------------------------------------------------------------------ responses


def is_ok(exchange: Exchange) -> bool:
    """Tell whether an operation was carried out."""
    return exchange.status in OK_STATUSES


def find_entries(exchange: Exchange) -> list[dict[str, Any]] | None:
    """Return the list in a response; None if it has no readable one."""
    return find_list(exchange.data, "results") if is_ok(exchange) else None


def read_text(data: Any, name: str) -> str:
    """Return a text or an id out of plain data, empty when there is none; ids may be numbers."""
    value = data.get(name) if isinstance(data, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def require_offered(exchange: Exchange, operation: str) -> None:
    """Raise NotApplicable where a server does not have an operation at all."""
    require_response(exchange)
    if exchange.is_absent:
        raise NotApplicable(f"the server does not offer {format_operation(operation)}")


def format_operation(operation: str) -> str:
    """Return method and path of an operation."""
    found = read_operations()[operation]
    return f"{found.method} {found.path}"


def assert_ok(exchange: Exchange, expected: str, caused_by: str = "") -> None:
    """Demand that a good call was carried out; caused_by: the requirement that covers a failure."""
    require_response(exchange)
    if is_ok(exchange):
        return
    if exchange.status == UNAUTHORIZED:
        caused_by = get_scheme_requirement(exchange)
    if caused_by:
        raise Explained(exchange.got, expected=expected, caused_by=caused_by, exchange=exchange)
    raise CheckFailed(exchange.got, expected=expected, exchange=exchange)


def get_scheme_requirement(exchange: Exchange) -> str:
    """Return the requirement that is violated where right credentials are rejected."""
    used = exchange.request.headers.get("authorization", "") if exchange.request else ""
    return "AUTH-004" if used.startswith("App ") else "AUTH-003"


def assert_rejected(exchange: Exchange, expected: str, findings: list[Finding]) -> None:
    """Demand that a faulty call was rejected; a server that fails at every fault is HTTP-002's matter."""
    if exchange.status is not None and 400 <= exchange.status < 500:  # noqa: PLR2004 - rejections
        require_response(exchange)
        return
    is_rejection = not is_ok(exchange) or is_disguised(exchange)
    if is_rejection and has_failed(findings, "HTTP-002"):
        raise Explained(exchange.got, expected=expected, caused_by="HTTP-002", exchange=exchange)
    require_response(exchange)
    raise CheckFailed(exchange.got, expected=expected, exchange=exchange)


def is_disguised(exchange: Exchange) -> bool:
    """Tell whether a success has the body of a rejection: HTTP-002's matter."""
    body = exchange.response.body if exchange.response else b""
    return is_ok(exchange) and b"serviceException" in body


def has_failed(findings: list[Finding], requirement_id: str) -> bool:
    """Tell whether a requirement was found to be broken."""
    broken = {Verdict.FAIL, Verdict.WARN}
    return any(f.requirement_id == requirement_id and f.verdict in broken for f in findings)


@contextmanager
def explained_by(*requirement_ids: str) -> Iterator[None]:
    """Turn a failure into one that the failure of one of some requirements explains, if any of them fails in the run."""
    try:
        yield
    except CheckFailed as failure:
        raise explain(failure, "", *requirement_ids) from None


def require_messages_accepted(session: Session, sent: Exchange, findings: list[Finding]) -> None:
    """Raise Inconclusive unless the messages under test were accepted."""
    if not sent.has_succeeded:
        require_any_accepted(session, session.wires[0])
        root = "AUTH-003" if sent.status == UNAUTHORIZED else get_rejected_field(findings, sent)
        got = f"the messages to look up were not accepted: {sent.got}"
        raise Inconclusive(got, caused_by=root, exchange=sent)


# ------------------------------------------------------------------ the batch


def send_batch(session: Session) -> Exchange:
    """Return the exchange of the batch; a plainer one where the server rejects it as it is."""
    wire = session.wires[0]
    found = session.find(BATCH, wire)
    if found is not None:
        return found
    most = BATCH_SIZE if session.plan.profile.has_long_lists else 0
    whole = build_batch(most, tracked="tracking" not in session.plan.without)
    found = session.send_once(WHOLE_BATCH, wire, whole, f"a batch of {most or 'few'} messages")
    for document, beside in build_plainer_batches(whole):
        if found.outcome is not RequestOutcome.REJECTED:
            break
        found = session.send(document, wire, f"the same batch {beside}")
    return session.keep(BATCH, wire, found)


def require_tracked(session: Session, findings: list[Finding]) -> Exchange:
    """Return the exchange of the batch; Inconclusive unless it was accepted with its tracking."""
    sent = send_batch(session)
    require_messages_accepted(session, sent, findings)
    if "tracking" in sent.document:
        return sent
    whole = session.find(WHOLE_BATCH, session.wires[0]) or sent
    raise Inconclusive(
        f"messages with tracking were not accepted: {whole.got}",
        caused_by=get_rejected_field(findings, whole),
        exchange=whole,
    )


def send_by_app(session: Session, wire: str) -> Exchange:
    """Return the exchange of the minimal request with the API key, and a response in the other format if there is one."""
    accept = OTHER_FORMAT[wire] if OTHER_FORMAT[wire] in session.wires else wire
    label = f"the minimal request with App and Accept: {MEDIA_TYPES[accept]}"
    key = "by App"
    if (found := session.find(key, wire)) is not None:
        return found
    document = read_example("minimal-request")
    found = session.send(
        document,
        wire,
        label,
        authorization=session.credentials.app,
        accept=MEDIA_TYPES[accept],
    )
    return session.keep(key, wire, found)


def send_bulk(session: Session) -> Exchange:
    """Return the exchange of a request with one message for later, to two numbers."""
    message = {
        "from": "InfoSMS",
        "destinations": [{"to": number} for number in read_numbers()[:2]],
        "text": "Your table is waiting.",
        "sendAt": format_instant(get_relative_instant(HOUR)),
    }
    document = {"bulkId": BULK_ID, "messages": [message]}
    return session.send_once("bulk", session.wires[0], document, "one message for later")


def get_batch_messages(session: Session) -> list[BatchMessage]:
    """Return the messages of the batch."""
    sent = send_batch(session)
    return read_batch(sent.document, sent.send_response)


def get_immediate_messages(session: Session) -> list[BatchMessage]:
    """Return the messages of the batch that are sent during the run."""
    return [sent for sent in get_batch_messages(session) if not sent.is_scheduled]


def get_bulk_id(session: Session) -> str:
    """Return the name of the batch."""
    return str(send_batch(session).document["bulkId"])


def has_other_bulk_id(sent: Exchange) -> bool:
    """Tell whether a server gave a request another bulkId than its own: RESP-004's matter."""
    received = sent.send_response.bulk_id if sent.send_response else ""
    return bool(received) and received != sent.document["bulkId"]
