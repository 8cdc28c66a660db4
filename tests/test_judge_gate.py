"""The gate of the judge: who may get messages, how many, and what is said of it before the first byte.

Lives here: the allow-list, the bill, the profiles.
Never here: a verdict.
"""

import json
from typing import Any

import pytest
from infobip_sms_conformance import data, documents, gate, judge, plan, profiles, suite, transport
from infobip_sms_conformance.credentials import Credentials
from infobip_sms_conformance.line import is_provably_unsent
from infobip_sms_conformance.session import Session
from infobip_sms_conformance.verdicts import Inconclusive

ALLOWED = ("41793026727", "+41793026731")
HERE = transport.parse_target("http://127.0.0.1:9")
ACCOUNT = Credentials("Aladdin", "open sesame", None)
STRANGE = "447700900123"


def build(number: Any) -> Any:
    """Return the minimal request to a number."""
    document = data.read_example("minimal-request")
    document["messages"][0]["destinations"][0]["to"] = number
    return document


@pytest.mark.parametrize("wire", ["json", "xml"])
@pytest.mark.parametrize("component", ["SmsRequest", "SmsRequestV1"])
@pytest.mark.parametrize(
    "number",
    [STRANGE, f"+{STRANGE}", f"{STRANGE}x", f" {STRANGE} ", "44 7700 900 123", int(STRANGE)],
)
def test_bytes_to_a_number_that_is_not_allowed_do_not_pass(
    wire: str, component: str, number: object
) -> None:
    """In either format and version, however the number is written, nothing is counted and nothing leaves."""
    door = gate.Gate(ALLOWED, 10)

    with pytest.raises(gate.NotAllowed):
        door.admit(documents.dump(build(number), wire, component))
    assert door.messages == 0


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_half_a_document_is_looked_at_as_well(wire: str) -> None:
    """A destination in bytes that are no document is found, too."""
    whole = documents.dump(build(STRANGE), wire)
    half = whole[: whole.index(STRANGE.encode()) + len(STRANGE) + 2]

    with pytest.raises(gate.NotAllowed):
        gate.Gate(ALLOWED, 10).admit(half)


@pytest.mark.parametrize(
    "number", ["41793026727", "+41793026731", "41793x026727", "nobody", "+", ""]
)
def test_allowed_numbers_and_no_numbers_pass(number: str) -> None:
    """What reaches nobody else passes, and counts as one message."""
    door = gate.Gate(ALLOWED, 10)

    assert door.admit(documents.dump(build(number), "json")) == 1


def test_times_of_day_are_no_destinations() -> None:
    """The to of a delivery time window is not taken for a number."""
    document = data.read_example("documented-request")
    door = gate.Gate(data.read_numbers(), 10)

    for wire in data.WIRES:
        assert door.admit(documents.dump(document, wire)) == 3


def test_no_more_messages_than_were_announced() -> None:
    """The message that would pass the limit does not leave; what was refused is given back."""
    door = gate.Gate(ALLOWED, 2)
    body = documents.dump(build(ALLOWED[0]), "json")
    door.admit(body)
    door.admit(body)

    with pytest.raises(gate.TooMany):
        door.admit(body)
    door.give_back(1)
    assert door.admit(body) == 1


def make_session(**options: Any) -> Session:
    """Return a session with a server that is not there."""
    return Session(HERE, ACCOUNT, judge.build_plan(HERE, **options))


def test_session_writes_to_allowed_numbers_only() -> None:
    """A document goes out to the numbers of --to, whoever it was written for; raw bytes end the run."""
    session = make_session(to=["9990510000005"])
    sent = session.renew(data.read_example("documented-request"))

    assert {d["to"] for m in sent["messages"] for d in m["destinations"]} == {"9990510000005"}
    with pytest.raises(Inconclusive):
        session.send_body(documents.dump(build(STRANGE), "json"), "json", "a mistake")
    assert session.requests == 0
    assert "allow-list" in session.stopped


@pytest.mark.parametrize("profile", plan.PROFILES)
def test_every_group_has_a_cost(profile: str) -> None:
    """What the checks look at is in the bill, in every profile; live ones stay below 60 messages."""
    chosen = plan.PROFILES[profile]
    groups = suite.find_groups(chosen, (), frozenset())
    bill = profiles.build_bill(chosen, groups, data.WIRES, 1, None)

    assert groups <= set(profiles.GROUPS)
    assert bill.plan.requests <= 150
    assert profile == "full" or bill.most_messages <= 60


def test_own_limit_of_messages_is_kept() -> None:
    """--max-messages bounds the bill below what the profile would allow."""
    assert judge.build_plan(HERE, most=5).bill.most_messages == 5


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"profile": "live"}, "--to"),
        ({"profile": "live", "to": ["1111", "2222", "3333", "4444"]}, "at most 3"),
        ({"profile": "live", "to": ["1111"], "without": ["wings"]}, "wings"),
    ],
)
def test_elsewhere_needs_care(options: dict[str, Any], word: str) -> None:
    """A server that is not on this machine gets a small run, to named numbers."""
    target = transport.parse_target("https://api.example.com", live=True)

    with pytest.raises(ValueError, match=word):
        judge.build_plan(target, **options)


@pytest.mark.parametrize(
    "url", ["https://api.example.com", "http://192.0.2.1", "http://localhost.example.com"]
)
def test_nothing_but_loopback_without_live(url: str) -> None:
    """A URL elsewhere is refused before anything is sent; plain http elsewhere always."""
    with pytest.raises(transport.WrongTarget):
        transport.parse_target(url)


def test_credentials_do_not_travel_in_the_clear() -> None:
    """A live run over plain http to another machine is refused."""
    with pytest.raises(transport.WrongTarget, match="https"):
        transport.parse_target("http://api.example.com", live=True)


def test_refused_connection_costs_no_message() -> None:
    """What provably arrived nowhere is given back."""
    session = make_session()
    found = session.probe()

    assert found.answer is None
    assert is_provably_unsent(found)
    assert session.messages == 0
    assert json.dumps(found.problem) == '"the connection was refused"'
