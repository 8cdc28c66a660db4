"""Calls of the operations around the message, shared between checks and made in turn in both formats.

Lives here: how an errand is run once, waited for, and found to have been of use; the errands that checks of
several chapters look at.
Never here: a judgement that belongs to one chapter.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from infobip_sms_conformance.checks.support.assertions import (
    check_answered,
    check_ground,
    is_explained,
)
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.fixtures.lookup_batch import Sent, build_batch, read_batch
from infobip_sms_conformance.observations.exchange import OK_STATUSES, UNAUTHORIZED, Exchange
from infobip_sms_conformance.observations.tolerant_reader import find_list
from infobip_sms_conformance.observations.verdicts import (
    Broken,
    Finding,
    Inconclusive,
    NotApplicable,
    Verdict,
)
from infobip_sms_conformance.session.budget import BULK
from infobip_sms_conformance.session.session import Session

BATCH = "batch"
ELSEWHERE = "judged in the other format"
NOT_EXPECTED = "refused, although the request is good"
TRIES = 4  # to find what is to come by itself, within the patience of the run
ONE, OTHER = 0, 1
"""Whose turn it is: the first format of the run, the second if there is one."""


# ------------------------------------------------------------------ calls


def find_wire(session: Session, turn: int) -> str:
    """Return the format that is on turn: the second one where the run has it."""
    return session.wires[turn % len(session.wires)]


def check_turn(session: Session, wire: str, turn: int) -> None:
    """Raise NotApplicable unless a check is run in the format that is on turn."""
    if wire != find_wire(session, turn):
        raise NotApplicable(ELSEWHERE)


def call_once(  # noqa: PLR0913 - what a call is made of
    session: Session,
    turn: int,
    operation: str,
    what: str,
    document: Any = None,
    *,
    query: Sequence[tuple[str, str]] = (),
    inside: Mapping[str, str] | None = None,
) -> Exchange:
    """Return the exchange of that name, calling the operation when it is first asked for."""
    wire = find_wire(session, turn)
    found = session.find(what, wire)
    if found is None:
        found = session.call(operation, wire, what, document, query=query, inside=inside)
    return session.keep(what, wire, found)


def call_until(
    session: Session, what: str, turn: int, call: Callable[[], Exchange], holds: Callable[..., bool]
) -> Exchange:
    """Call again while something does not hold of a list, a few times within the run's patience."""
    wire = find_wire(session, turn)
    found = session.find(what, wire)
    if found is not None:
        return found
    found = call()
    for _ in range(TRIES - 1):
        if find_entries(found) is None or holds(found):
            break
        time.sleep(session.plan.patience / (TRIES - 1))
        found = call()
    return session.keep(what, wire, found)


# ------------------------------------------------------------------ answers


def is_done(exchange: Exchange) -> bool:
    """Tell whether an operation was carried out."""
    return exchange.status in OK_STATUSES


def find_entries(exchange: Exchange) -> list[dict[str, Any]] | None:
    """Return the list of an answer; none when it has no readable one."""
    return find_list(exchange.data, "results") if is_done(exchange) else None


def read_text(data: Any, name: str) -> str:
    """Return a text or an id out of plain data, empty when there is none; ids may be numbers."""
    value = data.get(name) if isinstance(data, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def check_offered(exchange: Exchange, operation: str) -> None:
    """Raise NotApplicable where a server does not have an operation at all."""
    check_answered(exchange)
    if exchange.absent:
        raise NotApplicable(f"the server does not offer {describe(operation)}")


def describe(operation: str) -> str:
    """Return method and path of an operation."""
    found = read_operations()[operation]
    return f"{found.method} {found.path}"


def check_done(exchange: Exchange, expected: str, because: str = "") -> None:
    """Demand that a good call was carried out; because: the requirement whose matter that is."""
    check_answered(exchange)
    if is_done(exchange):
        return
    if because:
        raise Inconclusive(exchange.got, expected=expected, because=because, exchange=exchange)
    raise Broken(exchange.got, expected=expected, exchange=exchange)


def check_refused(exchange: Exchange, expected: str, findings: list[Finding]) -> None:
    """Demand that a faulty call was refused; a server that fails at every fault is HTTP-002's matter."""
    if exchange.status is not None and 400 <= exchange.status < 500:  # noqa: PLR2004 - refusals
        check_answered(exchange)
        return
    if not is_done(exchange) and has_failed(findings, "HTTP-002"):
        raise Inconclusive(exchange.got, expected=expected, because="HTTP-002", exchange=exchange)
    check_answered(exchange)
    raise Broken(exchange.got, expected=expected, exchange=exchange)


def has_failed(findings: list[Finding], number: str) -> bool:
    """Tell whether a requirement was found to be broken."""
    broken = {Verdict.FAIL, Verdict.WARN}
    return any(f.requirement == number and f.verdict in broken for f in findings)


@contextmanager
def explained_by(findings: list[Finding], *numbers: str) -> Iterator[None]:
    """Turn a failure into Inconclusive where one of some requirements failed, which is then its root."""
    try:
        yield
    except Broken as failure:
        root = next((number for number in numbers if has_failed(findings, number)), "")
        if not root:
            raise
        raise Inconclusive(
            failure.got, expected=failure.expected, because=root, exchange=failure.exchange
        ) from None


def check_taken(session: Session, sent: Exchange, findings: list[Finding]) -> None:
    """Raise Inconclusive unless the messages that an errand is about were taken."""
    check_ground(session, session.wires[0])
    if not sent.taken:
        because = "AUTH-003" if sent.status == UNAUTHORIZED else is_explained(findings)
        got = f"the messages that this is about were not taken: {sent.got}"
        raise Inconclusive(got, because=because, exchange=sent)


# ------------------------------------------------------------------ the batch


def send_batch(session: Session) -> Exchange:
    """Return the exchange of the batch; it is sent when it is first asked for."""
    most = BULK if session.plan.profile.lists else 0
    document = build_batch(most, tracked="tracking" not in session.plan.without)
    return session.share(BATCH, session.wires[0], document, f"a batch of {most or 'few'} messages")


def find_batch(session: Session) -> list[Sent]:
    """Return the messages of the batch."""
    sent = send_batch(session)
    return read_batch(sent.document, sent.reply)


def find_waiting(session: Session) -> list[Sent]:
    """Return the messages of the batch that are sent during the run."""
    return [sent for sent in find_batch(session) if not sent.later]


def find_bulk_id(session: Session) -> str:
    """Return the name of the batch."""
    return str(send_batch(session).document["bulkId"])


def is_renamed(sent: Exchange) -> bool:
    """Tell whether a server gave a request another bulkId than its own: RESP-004's matter."""
    answered = sent.reply.bulk_id if sent.reply else ""
    return bool(answered) and answered != sent.document["bulkId"]
