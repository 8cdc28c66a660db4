"""Checks of HTTP around the request: HTTP and ERR."""

from infobip_sms_conformance.checks.support.assertions import (
    REJECTION,
    assert_accepted,
    assert_each,
    assert_succeeded,
    has_documented_form,
    require_minimal_accepted,
)
from infobip_sms_conformance.checks.support.calls import explained_by, send_by_app
from infobip_sms_conformance.checks.support.root_causes import FORMAT_REQUIREMENTS
from infobip_sms_conformance.contract.allowed_values import build_undecided
from infobip_sms_conformance.contract.codec import (
    MEDIA_TYPES,
    OTHER_FORMAT,
    get_tag,
    iter_children,
    parse_json,
    parse_tree,
)
from infobip_sms_conformance.contract.edits import apply_edit
from infobip_sms_conformance.contract.files import read_example
from infobip_sms_conformance.observations.exchange import (
    BAD_REQUEST,
    Exchange,
    RequestOutcome,
    get_destinations,
)
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Inconclusive,
    Mismatch,
    NotApplicable,
    explain,
    show,
)
from infobip_sms_conformance.session.registry import LAST, check
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.session.variations import LOGIN_REJECTED, VARIATIONS

ACCEPTS = {
    "json": ("text/html;q=0.9, application/json;q=0.2, application/xml;q=0.8", "xml"),
    "xml": ("Application/JSON; q=0.7, application/xml;q=0", "json"),
}
"""Values of Accept with weights in requests of a format, and the format that they prefer; 0 is not acceptable."""
ANYTHING = "*/*"
REASON = "requestError.serviceException with messageId and text"
CLIENT_ERRORS = range(400, 500)
LETTERS = "caf\u00e9"


@check("HTTP-001", needs=["pool"])
def test_http_001_accepted_request_is_answered_with_200(session: Session, wire: str) -> None:
    """An accepted request gets status 200 and no other 2xx."""
    assert_each(
        session.send_pool(wire),
        lambda e: e.has_succeeded,
        lambda e: "" if e.status == 200 else e.got,  # noqa: PLR2004 - the requirement's own number
        "HTTP 200",
    )


@check("HTTP-002", needs=["rejected"])
def test_http_002_faulty_request_is_rejected_in_documented_form(
    session: Session, wire: str
) -> None:
    """No invalid request makes the server fail, close the connection or respond in an undocumented format."""
    require_minimal_accepted(session, wire)
    assert_each(
        session.send_invalid_cases(wire),
        lambda e: e.outcome is not RequestOutcome.THROTTLED,
        lambda e: "" if has_documented_form(e) else e.got,
        REJECTION,
    )


@check("HTTP-002", ["json"], needs=["undecided"])
def test_http_002_undecided_values_do_no_harm(session: Session) -> None:
    """Nulls, other types, blanks and empty texts are accepted or rejected, and make no server fail."""
    require_full_profile(session)
    for kind, (wire, document) in build_undecided().items():
        if wire not in session.wires:
            continue
        require_minimal_accepted(session, wire)
        found = session.send(document, wire, f"the documented request with {kind}")
        if found.outcome is not RequestOutcome.THROTTLED and not has_documented_form(found):
            raise CheckFailed(found.got, expected=f"HTTP 200, or {REJECTION}", exchange=found)


@check("HTTP-004", wires=["json"], needs=["pool"])
def test_http_004_json_response_says_so(session: Session, wire: str) -> None:
    """A response that was asked for as JSON is JSON and has a content type of JSON."""
    assert_responses(session, wire)


@check("HTTP-005", wires=["xml"], needs=["pool"], feature="xml")
def test_http_005_xml_response_says_so(session: Session, wire: str) -> None:
    """A response that was asked for as XML is XML and has a content type of XML."""
    assert_responses(session, wire)


def assert_responses(session: Session, wire: str) -> None:
    """Demand that every response has the format that its request asked for, in body and in header."""
    expected = f"{wire.upper()}, and a content type that says so"
    assert_each(
        session.send_pool(wire), lambda e: e.has_succeeded, lambda e: check_form(e, wire), expected
    )


@check("HTTP-004", wires=["json"], needs=["pool"], order=LAST)
def test_http_004_every_json_response_says_so(session: Session, wire: str) -> None:
    """Every operation responds in JSON, and says so, where the request asks for that."""
    with explained_by("HTTP-008"):
        assert_responses_of_all(session, wire)


@check("HTTP-005", wires=["xml"], needs=["pool"], feature="xml", order=LAST)
def test_http_005_every_xml_response_says_so(session: Session, wire: str) -> None:
    """Every operation responds in XML, and says so, where the request asks for that."""
    with explained_by("HTTP-008"):
        assert_responses_of_all(session, wire)


def assert_responses_of_all(session: Session, wire: str) -> None:
    """Demand the format that was asked for of every success with a body in the run."""
    session.send_pool(wire)
    asked = [e for e in session.exchanges if is_asked_for(e, wire)]
    expected = f"{wire.upper()}, and a content type that says so"
    try:
        assert_each(asked, lambda e: e.has_succeeded, lambda e: check_form(e, wire), expected)
    except CheckFailed as failure:
        request = failure.exchange.request if failure.exchange else None
        if request and "content-type" not in request.headers:  # nothing but Accept names a format
            raise explain(failure, "", "HTTP-008") from None
        raise


def is_asked_for(exchange: Exchange, wire: str) -> bool:
    """Tell whether a request asked for one format alone, and there is a body to look at."""
    asked = exchange.request.headers.get("accept") if exchange.request else None
    body = exchange.response.body if exchange.response else b""
    if exchange.wire != wire or not body.strip():  # one in the other format is HTTP-008's matter
        return False
    spelled = any(one.accept == asked and not one.is_open for one in VARIATIONS[wire])
    return asked == MEDIA_TYPES[wire] or (spelled and find_wire(body) == wire)


def check_form(exchange: Exchange, wire: str) -> str:
    """Compare body and content type of a response with a format."""
    if exchange.response is None or not is_format(exchange.response.body, wire):
        found = find_wire(exchange.response.body) if exchange.response else None
        got = f"a body of {found.upper()}" if found and found != wire else "a body that is not"
        return Mismatch("body", wire.upper(), got if found != wire else "a body that breaks off")
    kind, _, name = exchange.response.media_type.partition("/")
    if kind in {"application", "text"} and (name == wire or name.endswith(f"+{wire}")):
        return ""
    return Mismatch("Content-Type", show(MEDIA_TYPES[wire]), show(exchange.response.media_type))


def is_format(body: bytes, wire: str) -> bool:
    """Tell whether a body is a document of a format."""
    try:
        parse_json(body) if wire == "json" else parse_tree(body)
    except ValueError:
        return False
    return True


@check("HTTP-006", needs=["headers"])
def test_http_006_response_in_the_format_of_the_request(session: Session, wire: str) -> None:
    """Without an Accept header a JSON request is answered in JSON, and an XML request in XML or JSON (READ-006)."""
    exchange = send_minimal(session, wire, "without Accept", accept=None)
    found = find_wire(exchange.response.body) if exchange.response else None
    assert_format(session, exchange, found if found and wire == "xml" else wire)


@check("HTTP-007", needs=["headers"])
def test_http_007_charset_parameter_changes_nothing(session: Session, wire: str) -> None:
    """A request is accepted when its content type names its charset, with capitals, quotes or no blanks."""
    require_minimal_accepted(session, wire)
    found = send_spelled(session, wire) if session.plan.profile.derives else None
    with explained_by(FORMAT_REQUIREMENTS[wire]):
        if found is None or not found.has_succeeded or not is_id_kept(found):
            found = send_letters(session, wire, "with a charset", content_type=get_spelling(wire))
        assert_accepted(found)
        if not is_id_kept(found) and is_id_kept(send_letters(session, wire, "with an id")):
            got = found.send_response.entries[0].message_id if found.send_response else ""
            wrong = Mismatch("messages[0].messageId", show(LETTERS), show(got))
            raise CheckFailed(wrong, exchange=found)


def get_spelling(wire: str) -> str:
    """Return the content type of a format in another spelling."""
    return VARIATIONS[wire][0].content_type


def send_spelled(session: Session, wire: str) -> Exchange:
    """Return the exchange with another spelling of the content type, and several types in Accept."""
    accept = ACCEPTS[wire][0]
    label = f"with a charset and Accept: {accept}"
    return send_letters(session, wire, label, content_type=get_spelling(wire), accept=accept)


def send_letters(session: Session, wire: str, label: str, **changes: str | None) -> Exchange:
    """Return the exchange of the minimal request with an id that is not all ASCII."""
    if (found := session.find(label, wire)) is not None:
        return found
    path = "messages[0].destinations[0].messageId"
    document = apply_edit(read_example("minimal-request"), path, "set", LETTERS)
    found = session.send(document, wire, f"the minimal request {label}", **changes)
    return session.keep(label, wire, found)


def is_id_kept(exchange: Exchange) -> bool:
    """Tell whether the messageId of a request comes back."""
    given = get_destinations(exchange.document)[0]["messageId"]
    return exchange.send_response is not None and given in {
        e.message_id for e in exchange.send_response.entries
    }


@check("HTTP-008", needs=["headers"], feature="xml")
def test_http_008_response_in_the_other_format(session: Session, wire: str) -> None:
    """A request of one format is accepted, and the response is in the other when Accept asks for it."""
    require_minimal_accepted(session, wire)
    exchange = send_by_app(session, wire) if session.credentials.app else None
    if exchange is None or exchange.status in LOGIN_REJECTED:
        accept = MEDIA_TYPES[OTHER_FORMAT[wire]]
        exchange = send_minimal(session, wire, f"with Accept: {accept}", accept=accept)
    assert_format(session, exchange, OTHER_FORMAT[wire])


@check("HTTP-008", needs=["spellings"], feature="xml")
def test_http_008_response_in_the_format_that_is_preferred(session: Session, wire: str) -> None:
    """Of several types in Accept the response has that of the greatest weight that there is."""
    require_full_profile(session)
    require_minimal_accepted(session, wire)
    accept, preferred = ACCEPTS[wire]
    exchange = send_spelled(session, wire)
    if find_format(exchange) != preferred:  # is the content type the reason?
        exchange = send_minimal(session, wire, f"with Accept: {accept}", accept=accept)
    assert_format(session, exchange, preferred)


@check("HTTP-008", ["json"], needs=["spellings"])
def test_http_008_any_format_may_be_asked_for(session: Session, wire: str) -> None:
    """A request is accepted whose Accept takes any type, and the response is JSON or XML."""
    require_full_profile(session)
    exchange = send_minimal(session, wire, f"with Accept: {ANYTHING}", accept=ANYTHING)
    body = exchange.response.body if exchange.response else b""
    assert_format(session, exchange, find_wire(body) or wire)


def find_format(exchange: Exchange) -> str | None:
    """Return the format of the response to a request that was accepted."""
    is_body = exchange.has_succeeded and exchange.response
    return find_wire(exchange.response.body) if is_body and exchange.response else None


def require_full_profile(session: Session) -> None:
    """Raise NotApplicable in a profile that sends few requests."""
    if not session.plan.profile.derives:
        raise NotApplicable(f"not asked in the profile {session.plan.profile.name}")


def send_minimal(session: Session, wire: str, label: str, **changes: str | None) -> Exchange:
    """Send the minimal request with other header fields, once it was accepted as it is."""
    require_minimal_accepted(session, wire)
    document = read_example("minimal-request")
    return session.send(document, wire, f"the minimal request {label}", **changes)


def assert_format(session: Session, exchange: Exchange, wire: str) -> None:
    """Demand that a request is accepted and its response has a format, whatever its header says."""
    require_readable(session, exchange, wire)
    assert_succeeded(exchange)
    if exchange.response is None or find_wire(exchange.response.body) != wire:
        require_xml_responses(session, wire)
        body = exchange.response.body if exchange.response else b""
        got = (find_wire(body) or "neither JSON nor XML").upper()
        raise CheckFailed(Mismatch("body", wire.upper(), got), exchange=exchange)


def require_readable(session: Session, exchange: Exchange, wire: str) -> None:
    """Raise Inconclusive where the response to the minimal request cannot be read in a format either."""
    if not exchange.has_succeeded or exchange.send_response or wire not in session.wires:
        return
    minimal = session.send_example("minimal-request", wire)
    if minimal.has_succeeded and not minimal.send_response:
        got = f"no response in {wire.upper()} can be read"
        raise Inconclusive(got, caused_by="RESP-001", exchange=exchange)


def require_xml_responses(session: Session, wire: str) -> None:
    """Raise Inconclusive where no response at all is XML, however it is asked for."""
    if wire != "xml":
        return
    response = session.send_example("minimal-request", wire).response
    if response is not None and find_wire(response.body) != wire:
        raise Inconclusive("no response is XML", caused_by="HTTP-005")


@check("ERR-001", needs=["rejected"])
def test_err_001_body_of_a_rejection(session: Session, wire: str) -> None:
    """The body of every 400 that has one names the reason in the documented form and format."""
    require_minimal_accepted(session, wire)
    rejected = list(session.send_invalid_cases(wire))
    if not any(map(is_explained, rejected)):
        raise NotApplicable("this server did not reject by a 400 with a body (READ-009)")
    try:
        assert_each(rejected, is_explained, check_error_body, REASON)
    except CheckFailed:
        require_xml_responses(session, wire)
        raise


@check("ERR-001", needs=["rejected"], order=LAST)
def test_err_001_body_of_every_rejection(session: Session, wire: str) -> None:
    """The body of every other 400 of the run, of whichever operation, has the documented form as well."""
    asked = [e for e in session.exchanges if is_asked_for(e, wire) and is_explained(e)]
    if not asked:
        raise NotApplicable("no 400 with a body in this format")
    try:
        assert_each(asked, is_explained, check_error_body, REASON)
    except CheckFailed:
        require_xml_responses(session, wire)
        raise


def is_explained(exchange: Exchange) -> bool:
    """The response is a 400 with a body."""
    found = exchange.response
    return found is not None and found.status == BAD_REQUEST and bool(found.body.strip())


def check_error_body(exchange: Exchange) -> str:
    """Look for the reason in the body of a rejection."""
    body = exchange.response.body if exchange.response else b""
    try:
        found = has_json_reason(body) if exchange.wire == "json" else has_xml_reason(body)
    except ValueError:
        wire = (find_wire(body) or "neither JSON nor XML").upper()
        wanted = exchange.wire.upper()
        return Mismatch(
            "body", wanted, f"{wire} that is not well-formed" if wire == wanted else wire
        )
    return "" if found else Mismatch("body", REASON, describe_form(exchange.wire, body))


def describe_form(wire: str, body: bytes) -> str:
    """Name the outermost fields or elements of a body."""
    if wire == "xml":
        root = parse_tree(body)
        return "/".join([get_tag(root), *dict.fromkeys(map(get_tag, iter_children(root)))][:3])
    found = parse_json(body)
    return f"the fields {show(list(found))}" if isinstance(found, dict) else show(found)


def has_json_reason(body: bytes) -> bool:
    """Tell whether a JSON error body names a reason."""
    reason = parse_json(body)
    for name in ("requestError", "serviceException"):
        reason = reason.get(name) if isinstance(reason, dict) else None
    return isinstance(reason, dict) and all(
        isinstance(reason.get(n), str) for n in ("messageId", "text")
    )


def has_xml_reason(body: bytes) -> bool:
    """Tell whether an XML error body names a reason, whatever its root is called."""
    way = "{*}requestError/{*}serviceException"
    root = parse_tree(body)
    return all(root.find(f"{way}/{{*}}{name}") is not None for name in ("messageId", "text"))
