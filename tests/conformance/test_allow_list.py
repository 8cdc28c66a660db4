"""The gate of the suite: who may get messages, how many, and what is said of it before the first byte."""

import json
from typing import Any

import pytest
from infobip_sms_conformance.contract import codec, files
from infobip_sms_conformance.observations.verdicts import Inconclusive
from infobip_sms_conformance.run import engine, runner
from infobip_sms_conformance.session import budget, plan
from infobip_sms_conformance.session.sender import is_provably_unsent
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport import allow_list, http
from infobip_sms_conformance.transport.credentials import Credentials

ALLOWED = ("41793026727", "+41793026731")
HERE = http.parse_target("http://127.0.0.1:9")
ACCOUNT = Credentials("Aladdin", "open sesame", None)
STRANGE = "447700900123"


def build(number: Any) -> Any:
    """Return the minimal request to a number."""
    document = files.read_example("minimal-request")
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
    door = allow_list.AllowList(ALLOWED, 10)

    with pytest.raises(allow_list.DestinationNotAllowedError):
        door.reserve(codec.dump(build(number), wire, component))
    assert door.messages == 0


@pytest.mark.parametrize("wire", ["json", "xml"])
def test_half_a_document_is_looked_at_as_well(wire: str) -> None:
    """A destination in bytes that are no document is found, too."""
    whole = codec.dump(build(STRANGE), wire)
    half = whole[: whole.index(STRANGE.encode()) + len(STRANGE) + 2]

    with pytest.raises(allow_list.DestinationNotAllowedError):
        allow_list.AllowList(ALLOWED, 10).reserve(half)


@pytest.mark.parametrize(
    "number", ["41793026727", "+41793026731", "41793x026727", "nobody", "+", ""]
)
def test_allowed_numbers_and_no_numbers_pass(number: str) -> None:
    """What reaches nobody else passes, and counts as one message."""
    door = allow_list.AllowList(ALLOWED, 10)

    assert door.reserve(codec.dump(build(number), "json")) == 1


def test_times_of_day_are_no_destinations() -> None:
    """The to of a delivery time window is not taken for a number."""
    document = files.read_example("documented-request")
    door = allow_list.AllowList(files.read_numbers(), 10)

    for wire in files.WIRES:
        assert door.reserve(codec.dump(document, wire)) == 3


def test_no_more_messages_than_were_announced() -> None:
    """The message that would pass the limit does not leave; what was rejected is given back."""
    door = allow_list.AllowList(ALLOWED, 2)
    body = codec.dump(build(ALLOWED[0]), "json")
    door.reserve(body)
    door.reserve(body)

    with pytest.raises(allow_list.MessageLimitError):
        door.reserve(body)
    door.release(1)
    assert door.reserve(body) == 1


def make_session(**options: Any) -> Session:
    """Return a session with a server that is not there."""
    return Session(HERE, ACCOUNT, runner.build_plan(HERE, **options))


def test_session_writes_to_allowed_numbers_only() -> None:
    """A document goes out to the numbers of --to, whoever it was written for; raw bytes end the run."""
    session = make_session(to=["9990510000005"])
    sent = session.freshen(files.read_example("documented-request"))

    assert {d["to"] for m in sent["messages"] for d in m["destinations"]} == {"9990510000005"}
    with pytest.raises(Inconclusive):
        session.send_body(codec.dump(build(STRANGE), "json"), "json", "a mistake")
    assert session.requests == 0
    assert "allow-list" in session.stopped


@pytest.mark.parametrize("profile", plan.PROFILES)
def test_every_group_has_a_cost(profile: str) -> None:
    """What the checks look at is in the plan, in every profile; live ones stay below 60 messages."""
    chosen = plan.PROFILES[profile]
    checks = engine.select_checks(chosen, (), frozenset())
    bill = budget.build_budget(chosen, checks, files.WIRES, seed=1)

    assert frozenset().union(*(check.needs for check in engine.load_checks())) <= set(budget.GROUPS)
    assert bill.planned_cost.requests <= 300 + 3 * (
        budget.ATTEMPTS - 1
    )  # three lists that fill in time
    assert profile in {"full", "quick"} or bill.max_messages <= 60


def test_own_limit_of_messages_is_kept() -> None:
    """--max-messages bounds the plan below what the profile would allow."""
    assert runner.build_plan(HERE, max_messages=5).budget.max_messages == 5


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
    target = http.parse_target("https://api.example.com", live=True)

    with pytest.raises(ValueError, match=word):
        runner.build_plan(target, **options)


@pytest.mark.parametrize(
    "url", ["https://api.example.com", "http://192.0.2.1", "http://localhost.example.com"]
)
def test_nothing_but_loopback_without_live(url: str) -> None:
    """A URL elsewhere is rejected before anything is sent; plain http elsewhere always."""
    with pytest.raises(http.TargetError):
        http.parse_target(url)


def test_credentials_do_not_travel_in_the_clear() -> None:
    """A live run over plain http to another machine is rejected."""
    with pytest.raises(http.TargetError, match="https"):
        http.parse_target("http://api.example.com", live=True)


def test_refused_connection_costs_no_message() -> None:
    """What provably arrived nowhere is given back."""
    session = make_session()
    found = session.probe()

    assert found.response is None
    assert is_provably_unsent(found)
    assert session.messages == 0
    assert json.dumps(found.problem) == '"the connection was refused"'
