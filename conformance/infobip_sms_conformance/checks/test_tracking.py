"""Checks of tracking: TRACK.

Lives here: links in a text, and conversions that are told.
Never here: the key in the reply to a request, which is RESP-009's matter.
"""

from infobip_sms_conformance.checks.support.calls import (
    ONE,
    OTHER,
    call_once,
    check_done,
    check_offered,
    check_refused,
    check_taken,
    check_turn,
    explained_by,
    find_batch,
    find_entries,
    is_done,
    read_text,
    send_batch,
)
from infobip_sms_conformance.checks.support.log_queries import look_up_all, look_up_alone
from infobip_sms_conformance.fixtures.lookup_batch import (
    AFTER,
    BASE,
    BEFORE,
    BETWEEN,
    LINK,
    OTHER_LINK,
    Sent,
)
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import (
    Broken,
    Finding,
    Inconclusive,
    NotApplicable,
)
from infobip_sms_conformance.session.registry import LATE, requirement
from infobip_sms_conformance.session.session import Session

NOBODY = "CONFORMANCE-NO-SUCH-MESSAGE"
LINKS = LINK, OTHER_LINK
NOT_FOUND = 404


@requirement("TRACK-001", ["json"], needs=["lists", "lookups"], feature="tracking", order=LATE)
def test_track_001_links_are_shortened(session: Session, findings: list[Finding]) -> None:
    """The logs show a text whose links have become shorter ones on the given base."""
    if "logs" in session.plan.without:
        raise NotApplicable("shows in the logs only, which the server goes without")
    check_taken(session, send_batch(session), findings)
    linked = next(sent for sent in find_batch(session) if sent.linked)
    found, text = find_logged_text(session, linked)
    expected = "the text with a shorter link on baseUrl in place of each of its own"
    if LINK in text or OTHER_LINK in text:
        raise Broken("a link as it was", expected=expected, exchange=found)
    start, end = len(BEFORE), len(text) - len(AFTER)
    links = text[start:end].split(BETWEEN)
    with explained_by(findings, "LOG-001"):
        if not text.startswith(BEFORE) or not text.endswith(AFTER) or len(links) != len(LINKS):
            raise Broken("another text around the links", expected=expected, exchange=found)
    if not all(is_short(link) for link in links):
        raise Broken(
            "a link that is not a shorter one on baseUrl", expected=expected, exchange=found
        )


def is_short(link: str) -> bool:
    """Tell whether a link is on the given base and shorter than both that were sent."""
    return link.startswith(f"{BASE}/") and len(BASE) + 1 < len(link) < min(map(len, LINKS))


def find_logged_text(session: Session, sent: Sent) -> tuple[Exchange, str]:
    """Return the text of a message as the logs have it."""
    for look in (look_up_all, lambda session: look_up_alone(session, sent)):
        found = look(session)
        if found.absent:
            raise Inconclusive("the server offers no logs, where alone this shows", exchange=found)
        for entry in find_entries(found) or []:
            if read_text(entry, "messageId") == sent.message_id:
                if text := read_text(entry, "text"):
                    return found, text
                raise Inconclusive("no text in the logs", because="LOG-001", exchange=found)
    raise Inconclusive("the logs do not show the message", because="LOG-001", exchange=found)


# ------------------------------------------------------------------ conversions


def convert(session: Session) -> Exchange:
    """Tell the conversion of a message of the batch."""
    name = find_batch(session)[3].message_id
    what = "a conversion of a tracked message"
    return call_once(session, ONE, "recordConversion", what, inside={"messageId": name})


@requirement("TRACK-002", ["json"], needs=["lists", "tracking"], feature="tracking", order=LATE)
def test_track_002_conversion_is_counted(session: Session, findings: list[Finding]) -> None:
    """A conversion is answered with the key that the reply to the request gave."""
    sent = send_batch(session)
    check_taken(session, sent, findings)
    found = convert(session)
    check_offered(found, "recordConversion")
    expected = "HTTP 200 and the processKey of the request's reply"
    check_done(found, expected)
    key, wanted = read_text(found.data, "processKey"), sent.reply.tracking_key if sent.reply else ""
    if not key:
        raise Broken("no processKey", expected=expected, exchange=found)
    if wanted and key != wanted:
        raise Broken("another processKey", expected=expected, exchange=found)


@requirement("TRACK-003", needs=["lists", "tracking", "pool"], feature="tracking", order=LATE)
def test_track_003_message_that_is_not_tracked_is_not_found(
    session: Session, wire: str, findings: list[Finding]
) -> None:
    """The conversion of a message without tracking, and that of no message, are answered with 404."""
    check_turn(session, wire, OTHER)
    check_taken(session, send_batch(session), findings)
    known = convert(session)
    check_offered(known, "recordConversion")
    if not is_done(known):
        raise Inconclusive(known.got, because="TRACK-002", exchange=known)
    names = {"a message without tracking": find_untracked(session), "no message": NOBODY}
    for whose, name in names.items():
        what = f"a conversion of {whose}"
        found = call_once(session, OTHER, "recordConversion", what, inside={"messageId": name})
        with explained_by(findings, "RESP-005"):  # the name may be that of a tracked message, too
            check_refused(found, "HTTP 404", findings)
            if found.status != NOT_FOUND:
                raise Broken(found.got, expected="HTTP 404", exchange=found)


def find_untracked(session: Session) -> str:
    """Return the name of a message that was sent without tracking; of none, if that is not known."""
    reply = session.send_example("minimal-request", session.wires[0]).reply
    return next((e.message_id for e in reply.entries if e.message_id), NOBODY) if reply else NOBODY
