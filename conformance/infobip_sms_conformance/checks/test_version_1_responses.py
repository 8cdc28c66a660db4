"""Checks of the responses of version 1, by the same rules as those of version 2: RESP."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from infobip_sms_conformance.checks.support.calls import (
    FIRST_FORMAT,
    call_until,
    explained_by,
    find_entries,
    read_text,
    require_offered,
)
from infobip_sms_conformance.checks.support.log_queries import describe_difference
from infobip_sms_conformance.checks.support.response_rules import (
    check_bulk_id,
    check_count,
    check_generated_ids,
    check_given_ids,
    check_group_name,
    check_order,
    check_status,
    check_unique_ids,
    has_entries,
    has_given_ids,
    has_groups,
    has_missing_ids,
    is_bulk,
    is_complete,
    is_readable,
)
from infobip_sms_conformance.checks.test_version_1 import (
    BLANKS_TEXT,
    require_version_1,
    send_documented,
)
from infobip_sms_conformance.contract.openapi import read_operations
from infobip_sms_conformance.observations.exchange import Exchange
from infobip_sms_conformance.observations.verdicts import (
    CheckFailed,
    Explained,
    Inconclusive,
    Mismatch,
    NotApplicable,
    show,
)
from infobip_sms_conformance.session.registry import LAST, check
from infobip_sms_conformance.session.session import Session

OK = 200
PATH = read_operations()["sendV1"].path


@dataclass(frozen=True)
class Rule:
    """A rule of responses: which exchanges it concerns, and what is wrong with one."""

    concerns: Callable[[Exchange], bool]
    problem: Callable[[Exchange], str]


def check_pending(exchange: Exchange) -> str:
    """Say which groups a response has where not all of them mean acceptance."""
    if exchange.is_pending or exchange.send_response is None:
        return ""
    groups = [entry.group for entry in exchange.send_response.entries]
    return Mismatch("messages[].status.groupId", "that of PENDING or ACCEPTED", show(groups))


def check_ok(exchange: Exchange) -> str:
    """Say which status an accepted request got in place of 200."""
    return "" if exchange.status == OK else Mismatch("status", f"HTTP {OK}", exchange.got)


RULES = {
    "HTTP-001": [Rule(has_entries, check_ok)],
    "RESP-001": [Rule(is_readable, check_count)],
    "RESP-002": [Rule(is_complete, check_order)],
    "RESP-003": [Rule(has_given_ids, check_given_ids)],
    "RESP-004": [
        Rule(lambda e: is_bulk(e) and is_complete(e) and "bulkId" in e.document, check_bulk_id)
    ],
    "RESP-005": [
        Rule(has_missing_ids, check_generated_ids),
        Rule(has_missing_ids, lambda e: check_unique_ids(e, set())),
    ],
    "RESP-006": [Rule(has_groups, check_pending)],
    "RESP-007": [Rule(has_entries, check_status)],
    "RESP-008": [Rule(has_groups, check_group_name)],
}


def assert_rules(session: Session, wire: str, requirement_id: str) -> None:
    """Hold the responses of version 1 in a format to the rules of a requirement."""
    require_version_1(session, wire)
    exchange = send_documented(session, wire)
    if not exchange.has_succeeded:
        raise NotApplicable("the documented request of version 1 was not accepted")
    entries = exchange.send_response.entries if exchange.send_response else ()
    if requirement_id == "RESP-003" and not any(entry.message_id for entry in entries):
        raise Inconclusive("no messageId", caused_by="RESP-005", exchange=exchange)
    for found in (exchange, *iter_other_responses(session, exchange)):
        for rule in RULES[requirement_id]:
            if rule.concerns(found) and (problem := rule.problem(found)):
                with explained_by("V1-005"):
                    raise CheckFailed(problem, exchange=found)


def iter_other_responses(session: Session, exchange: Exchange) -> Iterator[Exchange]:
    """Yield what version 1 responded to the other requests of a format that it accepted."""
    mine = {session.authorization, session.credentials.basic, session.credentials.app}
    for other in session.exchanges:
        if other.request is None or other.request.headers.get("authorization") not in mine:
            continue
        is_own = other.request.path == PATH
        if is_own and other.wire == exchange.wire and other.has_succeeded and other != exchange:
            yield other


@check("V1-001", ["json"], needs=["v1", "v1 log"], feature="v1", order=LAST)
def test_v1_001_accepted_message_is_in_the_logs(session: Session) -> None:
    """A message that version 1 accepted is in the logs, where the server has such."""
    name = get_logged_names(session, session.wires[0])[0]
    found = look_up_messages(session)
    require_offered(found, "getLogs")
    if find_entries(found) is None:
        raise Inconclusive("the logs have no list", caused_by="LOG-001", exchange=found)
    if not list_texts(found, name):
        expected = "the message that version 1 accepted"
        with explained_by("LOG-001", "LOG-002", "RESP-003"):
            raise CheckFailed("no message", expected=expected, exchange=found)


@check("LOG-001", ["json"], needs=["v1", "v1 log"], feature="v1", order=LAST)
def test_log_001_text_of_version_1(session: Session) -> None:
    """The logs have the text of a message of version 1 as it was sent."""
    assert_text_shown(session, session.wires[0])


@check("XML-004", ["xml"], needs=["v1", "v1 log"], feature="v1", order=LAST)
def test_xml_004_text_of_version_1(session: Session, wire: str) -> None:
    """The logs have the text of a message of version 1 in XML as it was sent, as they have that of one in JSON."""
    if wire != session.wires[0] and is_text_lost(session, session.wires[0]):
        raise Inconclusive("not that of a message in JSON either", caused_by="LOG-001")
    with explained_by("LOG-001", "HTTP-005", "V1-005"):
        assert_text_shown(session, wire)


def is_text_lost(session: Session, wire: str) -> bool:
    """Tell whether the logs have another text than that of the message that version 1 accepted in a format."""
    try:
        assert_text_shown(session, wire)
    except CheckFailed:
        return True
    except (Inconclusive, NotApplicable):
        return False
    return False


def assert_text_shown(session: Session, wire: str) -> None:
    """Demand the text of the last message that version 1 accepted in a format, if the logs have the message."""
    names = get_logged_names(session, wire)
    if not is_complete(send_documented(session, wire)):
        raise Inconclusive("not an entry for each destination", caused_by="RESP-001")
    found = look_up_messages(session)
    texts = list_texts(found, names[-1])
    if len(texts) > 1 or names.count(names[-1]) > 1:
        got = "several messages of one messageId"
        raise Inconclusive(got, caused_by="RESP-005", exchange=found)
    if not texts:
        raise NotApplicable("the logs show no such message")
    if texts != [BLANKS_TEXT]:
        wrong = describe_difference("results[].text", BLANKS_TEXT, texts[0])
        raise CheckFailed(wrong, exchange=replace(found, wire=wire))  # of its request


def list_texts(found: Exchange, name: str) -> list[str]:
    """Return the texts of the messages in the logs that have a messageId."""
    named = [e for e in find_entries(found) or [] if read_text(e, "messageId") == name]
    return [read_text(entry, "text") for entry in named]


def get_logged_names(session: Session, wire: str) -> list[str]:
    """Return the messageIds that version 1 responded with to the documented request."""
    require_full_profile(session)
    require_version_1(session, wire)
    sent = send_documented(session, wire)
    entries = sent.send_response.entries if sent.send_response else ()
    if not sent.has_succeeded or not entries:
        raise NotApplicable("the documented request of version 1 was not accepted")
    if not entries[0].message_id:
        raise Inconclusive("no messageId", caused_by="RESP-005", exchange=sent)
    return [entry.message_id for entry in entries]


def look_up_messages(session: Session) -> Exchange:
    """Look up the first message that version 1 accepted in the first format, and the last in each."""
    names: dict[str, None] = {}
    for wire in session.wires:
        try:
            own = get_logged_names(session, wire)
        except (Inconclusive, NotApplicable, Explained):
            continue
        names |= dict.fromkeys([own[-1]] if names else [own[0], own[-1]])
    label = "a look at messages of version 1"
    wire, query = session.wires[0], [("messageId", name) for name in names if name]
    return call_until(
        session,
        label,
        FIRST_FORMAT,
        lambda: session.call("getLogs", wire, label, query=query, succeeds=True),
        lambda look: bool(find_entries(look)),
    )


def require_full_profile(session: Session) -> None:
    """Raise NotApplicable in a profile that sends few requests, and where there are no logs."""
    if not session.plan.profile.derives:
        raise NotApplicable(f"not asked in the profile {session.plan.profile.name}")
    if "logs" in session.plan.without:
        raise NotApplicable("declared by --without logs")


@check("RESP-001", needs=["v1"], feature="v1", order=LAST)
def test_resp_001_version_1(session: Session, wire: str) -> None:
    """A response of version 1 has as many entries as the request has destinations."""
    assert_rules(session, wire, "RESP-001")


@check("RESP-002", needs=["v1"], feature="v1", order=LAST)
def test_resp_002_version_1(session: Session, wire: str) -> None:
    """The numbers of version 1's entries are those of the destinations, in their order."""
    assert_rules(session, wire, "RESP-002")


@check("RESP-003", needs=["v1"], feature="v1", order=LAST)
def test_resp_003_version_1(session: Session, wire: str) -> None:
    """A messageId that version 1 was given comes back at its own destination."""
    assert_rules(session, wire, "RESP-003")


@check("RESP-004", needs=["v1"], feature="v1", order=LAST)
def test_resp_004_version_1(session: Session, wire: str) -> None:
    """The bulkId that version 1 was given for several destinations comes back."""
    assert_rules(session, wire, "RESP-004")


@check("RESP-005", needs=["v1"], feature="v1", order=LAST)
def test_resp_005_version_1(session: Session, wire: str) -> None:
    """Every destination without a messageId gets one of its own from version 1."""
    assert_rules(session, wire, "RESP-005")


@check("RESP-006", needs=["v1"], feature="v1", order=LAST)
def test_resp_006_version_1(session: Session, wire: str) -> None:
    """Every status of a request that version 1 accepted is of a group that means acceptance."""
    assert_rules(session, wire, "RESP-006")


@check("RESP-007", needs=["v1"], feature="v1", order=LAST)
def test_resp_007_version_1(session: Session, wire: str) -> None:
    """Every status of version 1 has the documented fields with their types."""
    assert_rules(session, wire, "RESP-007")


@check("RESP-008", needs=["v1"], feature="v1", order=LAST)
def test_resp_008_version_1(session: Session, wire: str) -> None:
    """A groupId of version 1 that the catalogue knows is beside its groupName."""
    assert_rules(session, wire, "RESP-008")


@check("HTTP-001", needs=["v1"], feature="v1", order=LAST)
def test_http_001_version_1(session: Session, wire: str) -> None:
    """A request that version 1 accepted gets status 200."""
    assert_rules(session, wire, "HTTP-001")
