"""Checks of tracking: TRACK."""

from infobip_sms_conformance.checks.support.calls import (
    FIRST_FORMAT,
    SECOND_FORMAT,
    assert_ok,
    assert_rejected,
    call_once,
    explained_by,
    find_entries,
    get_batch_messages,
    is_ok,
    read_text,
    require_format,
    require_offered,
    require_tracked,
)
from infobip_sms_conformance.checks.support.log_queries import look_up_all, look_up_alone
from infobip_sms_conformance.fixtures.lookup_batch import (
    LINK,
    OTHER_LINK,
    TEXT_AFTER_LINKS,
    TEXT_BEFORE_LINKS,
    TEXT_BETWEEN_LINKS,
    TRACKING_BASE_URL,
    BatchMessage,
)
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Finding,
    Inconclusive,
    Mismatch,
    NotApplicable,
    show,
)
from infobip_sms_conformance.session.registry import LATE, check
from infobip_sms_conformance.session.session import Session

UNKNOWN_MESSAGE_ID = "CONFORMANCE-NO-SUCH-MESSAGE"
LINKS = LINK, OTHER_LINK
NOT_FOUND = 404


@check("TRACK-001", ["json"], needs=["lists", "logs"], feature="tracking", order=LATE)
def test_track_001_links_are_shortened(session: Session, findings: list[Finding]) -> None:
    """The logs show a text whose links have become shorter ones on the given base."""
    if "logs" in session.plan.without:
        raise NotApplicable("visible only in the logs, which the server does not have")
    require_tracked(session, findings)
    linked = next(sent for sent in get_batch_messages(session) if sent.has_link)
    found, text = require_logged_text(session, linked)
    expected = "the text with a shorter link on baseUrl in place of each of its own"
    if LINK in text or OTHER_LINK in text:
        got = f"text: a link of the request, {show(LINK if LINK in text else OTHER_LINK)}"
        raise CheckFailed(got, expected=expected, exchange=found)
    start, end = len(TEXT_BEFORE_LINKS), len(text) - len(TEXT_AFTER_LINKS)
    links = text[start:end].split(TEXT_BETWEEN_LINKS)
    with explained_by("LOG-001"):
        if (
            not text.startswith(TEXT_BEFORE_LINKS)
            or not text.endswith(TEXT_AFTER_LINKS)
            or len(links) != len(LINKS)
        ):
            got = f"text: {len(text)} characters, altered around the links"
            raise CheckFailed(got, expected=expected, exchange=found)
    if not all(is_short(link) for link in links):
        long = next(link for link in links if not is_short(link))
        wanted = f"a link shorter than the one that was sent, on {TRACKING_BASE_URL}"
        raise CheckFailed(Mismatch("text", wanted, show(long)), exchange=found)


def is_short(link: str) -> bool:
    """Tell whether a link is on the given base and shorter than both that were sent."""
    return link.startswith(f"{TRACKING_BASE_URL}/") and len(TRACKING_BASE_URL) + 1 < len(
        link
    ) < min(map(len, LINKS))


def require_logged_text(session: Session, message: BatchMessage) -> tuple[Exchange, str]:
    """Return the text of a message as the logs have it."""
    for look in (look_up_all, lambda session: look_up_alone(session, message)):
        found = look(session)
        if found.is_absent:
            raise Inconclusive("the server offers no logs, where alone this shows", exchange=found)
        for entry in find_entries(found) or []:
            if read_text(entry, "messageId") == message.message_id:
                if text := read_text(entry, "text"):
                    return found, text
                raise Inconclusive("no text in the logs", caused_by="LOG-001", exchange=found)
    raise Inconclusive("the logs do not show the message", caused_by="LOG-001", exchange=found)


# ------------------------------------------------------------------ conversions


def record_conversion(session: Session) -> Exchange:
    """Report the conversion of a message of the batch."""
    name = get_batch_messages(session)[1].message_id
    what = "a conversion of a tracked message"
    return call_once(
        session, SECOND_FORMAT, "recordConversion", what, path_parameters={"messageId": name}
    )


@check("TRACK-002", ["json"], needs=["lists", "tracking"], feature="tracking", order=LATE)
def test_track_002_conversion_is_counted(session: Session, findings: list[Finding]) -> None:
    """A conversion gets the key that the response to the request gave."""
    sent = require_tracked(session, findings)
    found = record_conversion(session)
    require_offered(found, "recordConversion")
    expected = "HTTP 200 and the processKey of the request's response"
    assert_ok(found, expected)
    key, wanted = (
        read_text(found.data, "processKey"),
        sent.send_response.tracking_key if sent.send_response else "",
    )
    if not key:
        raise CheckFailed(Mismatch("processKey", "a key", "nothing"), exchange=found)
    if wanted and key != wanted:
        raise CheckFailed(Mismatch("processKey", show(wanted), show(key)), exchange=found)


@check("TRACK-003", needs=["lists", "tracking", "untracked"], feature="tracking", order=LATE)
def test_track_003_message_that_is_not_tracked_is_not_found(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """The conversion of a message without tracking, and that of no message, get a 404."""
    require_format(session, wire, FIRST_FORMAT)
    require_tracked(session, findings)
    known = record_conversion(session)
    require_offered(known, "recordConversion")
    if not is_ok(known):
        raise Inconclusive(known.got, caused_by="TRACK-002", exchange=known)
    names = {
        "a message without tracking": get_untracked_id(session),
        "no message": UNKNOWN_MESSAGE_ID,
    }
    for whose, name in names.items():
        what = f"a conversion of {whose}"
        found = call_once(
            session,
            FIRST_FORMAT,
            "recordConversion",
            what,
            path_parameters={"messageId": name},
            succeeds=False,
        )
        with explained_by("RESP-005"):  # the name may be that of a tracked message, too
            assert_rejected(found, "HTTP 404", findings)
            if found.status != NOT_FOUND:
                raise CheckFailed(found.got, expected="HTTP 404", exchange=found)


def get_untracked_id(session: Session) -> str:
    """Return the name of a message that was sent without tracking; of none, if that is not known."""
    response = session.send_example("minimal-request", session.wires[0]).send_response
    return (
        next((e.message_id for e in response.entries if e.message_id), UNKNOWN_MESSAGE_ID)
        if response
        else UNKNOWN_MESSAGE_ID
    )
