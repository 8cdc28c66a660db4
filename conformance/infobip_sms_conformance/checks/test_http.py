"""Checks of HTTP around the request: HTTP and ERR.

Lives here: status codes, formats of request and reply, bodies that cannot be read.
Never here: authorization; the members of a request.
"""

import pytest

from infobip_sms_conformance.checks.support.assertions import (
    FORMS,
    REFUSAL,
    check_ground,
    is_refusal_in_form,
    judge_accepted,
    judge_each,
)
from infobip_sms_conformance.checks.support.calls import explained_by
from infobip_sms_conformance.contract.codec import MEDIA_TYPES, dump, parse_json, parse_tree
from infobip_sms_conformance.contract.edits import apply_edit
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.observations.exchange import (
    BAD_REQUEST,
    Exchange,
    Outcome,
    find_destinations,
)
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.verdicts import (
    Broken,
    Finding,
    Inconclusive,
    NotApplicable,
)
from infobip_sms_conformance.session.registry import requirement
from infobip_sms_conformance.session.session import Session

OTHER = {"json": "xml", "xml": "json"}
UNREADABLE = ("cut-off", "other-format", "nothing")
ENDS = {"json": b"}", "xml": b"</"}
IN_ONE_FORMAT = {"nothing": "json"}
CLIENT_ERRORS = range(400, 500)
LETTERS = "caf\u00e9"
CHARSETS = {"json": "utf-8", "xml": "UTF-8"}  # names of charsets have no case


@requirement("HTTP-001", needs=["pool"])
def test_http_001_accepted_request_is_answered_with_200(session: Session, wire: str) -> None:
    """A request that is accepted is answered with status 200 and no other of the 2xx."""
    judge_each(
        session.send_pool(wire),
        lambda e: e.taken,
        lambda e: "" if e.status == 200 else e.got,  # noqa: PLR2004 - the requirement's own number
        "HTTP 200",
    )


@requirement("HTTP-002", needs=["refused"])
def test_http_002_faulty_request_is_refused_in_form(session: Session, wire: str) -> None:
    """No faulty request makes the server fail, hang up or answer in a form that is not documented."""
    check_ground(session, wire)
    judge_each(
        session.send_refused(wire),
        lambda e: e.outcome is not Outcome.THROTTLED,
        lambda e: "" if is_refusal_in_form(e) else e.got,
        REFUSAL,
    )


@requirement("HTTP-003", needs=["unreadable"])
@pytest.mark.parametrize("fault", UNREADABLE)
def test_http_003_unreadable_body_is_refused(session: Session, wire: str, fault: str) -> None:
    """A body that lacks its very end, of the other format or empty is answered with 4xx."""
    if IN_ONE_FORMAT.get(fault, wire) != wire:
        raise NotApplicable("judged in the other format")
    check_ground(session, wire)
    exchange = session.send_body(
        build_unreadable(session, wire, fault), wire, f"an unreadable body: {fault}"
    )
    if exchange.status not in CLIENT_ERRORS:
        raise Broken(exchange.got, expected="HTTP 400 or another 4xx", exchange=exchange)


def build_unreadable(session: Session, wire: str, fault: str) -> bytes:
    """Return a body that cannot be read as the format."""
    example = session.renew(read_example("minimal-request"))
    whole = dump(example, wire)
    bodies = (whole[: whole.rindex(ENDS[wire])], dump(example, OTHER[wire]), b"")
    return dict(zip(UNREADABLE, bodies, strict=True))[fault]


@requirement("HTTP-004", wires=["json"], needs=["pool"])
def test_http_004_json_reply_says_so(session: Session, wire: str) -> None:
    """A reply that was asked for as JSON is JSON and has a content type of JSON."""
    judge_replies(session, wire)


@requirement("HTTP-005", wires=["xml"], needs=["pool"], feature="xml")
def test_http_005_xml_reply_says_so(session: Session, wire: str) -> None:
    """A reply that was asked for as XML is XML and has a content type of XML."""
    judge_replies(session, wire)


def judge_replies(session: Session, wire: str) -> None:
    """Demand that every reply has the format that its request asked for, in body and in header."""
    expected = f"{wire.upper()}, and a content type that says so"
    judge_each(
        session.send_pool(wire), lambda e: e.taken, lambda e: find_wrong_form(e, wire), expected
    )


def find_wrong_form(exchange: Exchange, wire: str) -> str:
    """Compare body and content type of a reply with a format."""
    if exchange.answer is None or not is_form(exchange.answer.body, wire):
        return f"a body that is not {wire.upper()}"
    kind, _, name = exchange.answer.media_type.partition("/")
    says_so = kind in {"application", "text"} and (name == wire or name.endswith(f"+{wire}"))
    return "" if says_so else f"a content type that is not of {wire.upper()}"


def is_form(body: bytes, wire: str) -> bool:
    """Tell whether a body is a document of a format."""
    try:
        parse_json(body) if wire == "json" else parse_tree(body)
    except ValueError:
        return False
    return True


@requirement("HTTP-006", needs=["headers"])
def test_http_006_reply_in_the_format_of_the_request(session: Session, wire: str) -> None:
    """Without an Accept header the reply has the format of the request."""
    exchange = send_minimal(session, wire, "without Accept", accept=None)
    judge_form(session, exchange, wire)


@requirement("HTTP-007", needs=["headers"])
def test_http_007_charset_parameter_changes_nothing(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """A request is accepted when its content type names its charset."""
    content_type = f"{MEDIA_TYPES[wire]}; charset={CHARSETS[wire]}"
    check_ground(session, wire)
    document = apply_edit(
        read_example("minimal-request"), "messages[0].destinations[0].messageId", "set", LETTERS
    )
    what = "the minimal request with an id"
    found = session.send(document, wire, f"{what} and a charset", content_type=content_type)
    with explained_by(findings, FORMS[wire]):
        judge_accepted(found)
        if not is_id_kept(found) and is_id_kept(session.share("letters", wire, document, what)):
            raise Broken("another messageId", expected="the id as without charset", exchange=found)


def is_id_kept(exchange: Exchange) -> bool:
    """Tell whether the messageId of a request comes back."""
    given = find_destinations(exchange.document)[0]["messageId"]
    return exchange.reply is not None and given in {e.message_id for e in exchange.reply.entries}


@requirement("HTTP-008", needs=["headers"], feature="xml")
def test_http_008_reply_in_the_other_format(session: Session, wire: str) -> None:
    """A request of one format is accepted and answered in the other when Accept asks for it."""
    accept = MEDIA_TYPES[OTHER[wire]]
    exchange = send_minimal(session, wire, f"with Accept: {accept}", accept=accept)
    judge_form(session, exchange, OTHER[wire])


def send_minimal(session: Session, wire: str, what: str, **changes: str | None) -> Exchange:
    """Send the minimal request with other header fields, once it was accepted as it is."""
    check_ground(session, wire)
    document = read_example("minimal-request")
    return session.send(document, wire, f"the minimal request {what}", **changes)


def judge_form(session: Session, exchange: Exchange, wire: str) -> None:
    """Demand that a request is accepted and its reply has a format, whatever its header says."""
    judge_accepted(exchange)
    if exchange.answer is None or find_wire(exchange.answer.body) != wire:
        check_xml(session, wire)
        raise Broken("a reply in another format", expected=wire.upper(), exchange=exchange)


def check_xml(session: Session, wire: str) -> None:
    """Raise Inconclusive where no reply at all is XML, however it is asked for."""
    if wire != "xml":
        return
    answer = session.send_example("minimal-request", wire).answer
    if answer is not None and find_wire(answer.body) != wire:
        raise Inconclusive("no reply is XML", because="HTTP-005")


@requirement("ERR-001", needs=["refused"])
def test_err_001_body_of_a_refusal(session: Session, wire: str) -> None:
    """The body of every 400 names the reason in the documented form and format."""
    check_ground(session, wire)
    refused = list(session.send_refused(wire))
    if not any(is_bad_request(exchange) for exchange in refused):
        raise NotApplicable("this server did not refuse by 400")
    expected = "requestError.serviceException with messageId and text"
    try:
        judge_each(refused, is_bad_request, find_wrong_error, expected)
    except Broken:
        check_xml(session, wire)
        raise


def is_bad_request(exchange: Exchange) -> bool:
    """The answer is a 400."""
    return exchange.answer is not None and exchange.answer.status == BAD_REQUEST


def find_wrong_error(exchange: Exchange) -> str:
    """Look for the reason in the body of a refusal."""
    body = exchange.answer.body if exchange.answer else b""
    try:
        found = find_json_reason(body) if exchange.wire == "json" else find_xml_reason(body)
    except ValueError:
        return f"a body that is not {exchange.wire.upper()}"
    return "" if found else "a body of another form"


def find_json_reason(body: bytes) -> bool:
    """Tell whether a JSON error body names a reason."""
    reason = parse_json(body)
    for name in ("requestError", "serviceException"):
        reason = reason.get(name) if isinstance(reason, dict) else None
    return isinstance(reason, dict) and all(
        isinstance(reason.get(n), str) for n in ("messageId", "text")
    )


def find_xml_reason(body: bytes) -> bool:
    """Tell whether an XML error body names a reason, whatever its root is called."""
    way = "requestError/serviceException"
    root = parse_tree(body)
    return all(root.findtext(f"{way}/{name}") is not None for name in ("messageId", "text"))
