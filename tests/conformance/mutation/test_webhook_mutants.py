"""The suite of pushed reports and of time is checked: by servers/pusher.py, in all of its manners."""

import inspect
import itertools
import json
import runpy
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from infobip_sms_conformance.checks.test_delivery_reports import (
    check_call,
    check_format,
    check_ids,
    describe_difference,
    is_instant,
)
from infobip_sms_conformance.contract import files
from infobip_sms_conformance.fixtures import delivery_windows, webhook_messages
from infobip_sms_conformance.observations.delivery_reports import parse_reports
from infobip_sms_conformance.observations.verdicts import CheckOutcome, Finding, Verdict
from infobip_sms_conformance.run import engine
from infobip_sms_conformance.session.budget import build_budget
from infobip_sms_conformance.session.plan import PROFILES, Plan
from infobip_sms_conformance.session.registry import REGISTRY
from infobip_sms_conformance.session.session import Session
from infobip_sms_conformance.transport.credentials import Credentials
from infobip_sms_conformance.transport.http import parse_target
from infobip_sms_conformance.transport.processes import run_program
from infobip_sms_conformance.transport.webhook_receiver import WebhookCall, start_receiver

PUSHER = Path(__file__).parent / "webhook_server.py"
MANNERS = runpy.run_path(str(PUSHER))
LEGAL: tuple[str, ...] = MANNERS["LEGAL"]
POOR: tuple[str, ...] = MANNERS["POOR"]
FAULTS: dict[str, str] = MANNERS["FAULTS"]
ACROSS_DAYS = frozenset({"VAL-002", "VAL-003", "V1-003", "DLR-006"})
NEVER_SHOWN = {Verdict.FAIL, Verdict.ERROR, Verdict.WARN}
engine.load_checks()
GROUPS = frozenset({"start", "push"})
CHECKS = sorted(
    (check for check, tie in REGISTRY.items() if tie.needs == GROUPS),
    key=lambda c: REGISTRY[c].order,
)


@pytest.fixture(autouse=True)
def stay_away_from_midnight() -> None:
    """Skip around midnight: no window of that day is open then, or one is that is too wide."""
    now = datetime.now(UTC) + timedelta(minutes=5)
    if (now.hour, now.minute) < (0, 10):
        pytest.skip("around midnight, by UTC, no window of a day is open for an hour around now")


def start_pusher(manner: str) -> AbstractContextManager[str]:
    """Run the pusher for the time of a ``with`` block; give its URL."""
    return run_program([sys.executable, str(PUSHER), manner])


def judge(manner: str, **changes: Any) -> list[Finding]:
    """Run the checks against the pusher; return what they said."""
    profile = PROFILES[changes.pop("profile", "full")]
    wires = changes.pop("wires", files.WIRES)
    budget = build_budget(profile, [REGISTRY[check] for check in CHECKS], wires, seed=0)
    plan = Plan(profile, 0, wires, files.read_numbers(), budget, **{"patience": 6.0, **changes})
    with (
        start_pusher(manner) as url,
        start_receiver(webhook_messages.CALL_STATUSES, "r") as receiver,
    ):
        session = Session(parse_target(url), Credentials("u", "p", None), plan, receiver)
        session.start()
        findings = run(session)
    # What was rejected together is asked for once more alone, once more without what it may be rejected for, and
    # once more with the usual header fields.
    poor = manner in POOR
    assert session.requests <= budget.planned_cost.requests + (3 * len(wires) if poor else 0)
    assert session.messages <= (budget.max_messages if poor else budget.planned_cost.messages)
    return findings


def run(session: Session) -> list[Finding]:
    """Run the checks in their order, each in its formats."""
    findings: list[Finding] = []
    for check in CHECKS:
        tie = REGISTRY[check]
        for wire in session.wires:
            given = {"session": session, "wire": wire, "findings": findings}
            wanted = {name: given[name] for name in inspect.signature(check).parameters}
            about = Finding(tie.requirement_id, wire, check.__name__, Verdict.PASS)
            try:
                check(**wanted)
            except CheckOutcome as said:
                must = files.read_requirements()[tie.requirement_id].level == "MUST"
                soft = said.verdict is Verdict.FAIL and not must
                verdict = Verdict.WARN if soft else said.verdict
                about = replace(about, verdict=verdict, got=said.got, caused_by=said.caused_by)
            findings.append(about)
    return findings


def judge_all(manners: list[str], **changes: Any) -> dict[str, list[Finding]]:
    """Check several manners at a time: most of it is waiting."""
    with ThreadPoolExecutor(12) as pool:
        found = pool.map(lambda manner: judge(manner, **changes), manners)
        return dict(zip(manners, found, strict=True))


def find_numbers(findings: list[Finding], *verdicts: Verdict) -> set[str]:
    """Return the requirements with one of some verdicts."""
    return {finding.requirement_id for finding in findings if finding.verdict in verdicts}


# ------------------------------------------------------------------ allowed servers


def test_legal_manners_break_nothing() -> None:
    """However an allowed server writes and bundles its reports, nothing fails; what takes days is left open."""
    for manner, findings in judge_all(list(LEGAL), patience=10.0).items():
        assert find_numbers(findings, *NEVER_SHOWN) == set(), (manner, findings)
        left = find_numbers(findings, Verdict.INCONCLUSIVE)
        bare = {"DLR-003"} if manner == "bare" else set()
        assert left == {"DLR-006", "VAL-002", "VAL-003"} | bare, (manner, findings)


def test_days_pass_where_the_clock_can_be_moved() -> None:
    """With the control of the clock nothing is left open."""
    for manner, findings in judge_all(["documented", "batched", "rich"], clock=True).items():
        assert {finding.verdict for finding in findings} == {Verdict.PASS}, (manner, findings)


def test_a_clock_that_does_not_move_leaves_days_open() -> None:
    """Where --clock was promised in vain, nothing fails, and the reason is given."""
    findings = judge("clockless", clock=True)
    reasons = {finding.got for finding in findings if finding.verdict is Verdict.INCONCLUSIVE}

    assert find_numbers(findings, *NEVER_SHOWN) == set()
    assert find_numbers(findings, Verdict.INCONCLUSIVE) == ACROSS_DAYS
    assert reasons == {"the clock of the server was not moved: HTTP 404"}


# ------------------------------------------------------------------ runs that ask for less


def test_live_profile_sends_few_messages_in_one_format() -> None:
    """Seven messages show what can be shown; what would need more is not asked."""
    findings = judge("documented", profile="live")

    asked = find_numbers(findings, Verdict.PASS)
    assert asked == {f"DLR-00{n}" for n in range(1, 6)} | {"DLR-006", "SCHED-001", "V1-003"}
    assert {f.verdict for f in findings if f.wire == "xml"} == {Verdict.NOT_APPLICABLE}
    assert find_numbers(findings, *NEVER_SHOWN) == set()


def test_what_a_server_goes_without_is_not_asked() -> None:
    """Without XML no report in XML is asked for; without reports nothing is that shows in them."""
    one = judge("no-xml", wires=("json",))
    none = judge("silent", without=frozenset({"reports"}))
    no_intermediate = judge("intermediate-silent", without=frozenset({"intermediate"}))

    assert find_numbers(one, *NEVER_SHOWN) == set()
    assert {finding.verdict for finding in none} == {Verdict.NOT_APPLICABLE}
    assert find_numbers(no_intermediate, *NEVER_SHOWN) == set()


# ------------------------------------------------------------------ servers broken elsewhere


def test_messages_that_are_refused_leave_the_others_to_judge() -> None:
    """Where windows are rejected, be it with the whole request, reports are checked all the same."""
    for manner, findings in judge_all(["refuses-windows", "rejects-windows"]).items():
        passed = find_numbers(findings, Verdict.PASS)
        assert {"DLR-001", "DLR-002", "DLR-003", "DLR-004"} <= passed, (manner, findings)
        left = find_numbers(findings, Verdict.INCONCLUSIVE)
        assert left >= {"WIN-007", "WIN-008", "VAL-003", "V1-003"}, (manner, findings)
        assert find_numbers(findings, *NEVER_SHOWN) == set(), (manner, findings)


def test_reports_are_judged_though_the_reply_cannot_be_read() -> None:
    """A response that cannot be read does not are in the way of reports."""
    findings = judge("unreadable-reply")

    assert {"DLR-001", "DLR-004", "SCHED-001", "WIN-007"} <= find_numbers(findings, Verdict.PASS)
    assert find_numbers(findings, *NEVER_SHOWN) == set()


# ------------------------------------------------------------------ one fault each


CHAPTERS = (
    ("DLR-001", "DLR-002"),
    ("DLR-003", "DLR-004", "DLR-005"),
    ("SCHED", "WIN"),
    tuple(sorted(ACROSS_DAYS)),
)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=" ".join)
def test_fault_trips_its_requirement_alone(chapter: tuple[str, ...]) -> None:
    """A server with one fault fails, or is warned for, exactly the requirement that it breaks."""
    faults = [fault for fault, broken in FAULTS.items() if broken.startswith(chapter)]
    assert faults
    for fault, findings in judge_all(faults, clock=ACROSS_DAYS.issuperset(chapter)).items():
        requirement = FAULTS[fault]
        must = files.read_requirements()[requirement].level == "MUST"
        verdict = Verdict.FAIL if must else Verdict.WARN
        assert find_numbers(findings, *NEVER_SHOWN) == {requirement}, (fault, findings)
        assert find_numbers(findings, verdict) == {requirement}, (fault, findings)
        causes = {f.requirement_id: f.caused_by for f in findings if f.caused_by}
        roots = {causes.get(cause, cause) for cause in causes.values()}
        assert roots <= {requirement}, (fault, findings)


def test_every_fault_is_in_a_chapter() -> None:
    """No fault is left out by the chapters."""
    chapters = tuple(itertools.chain(*CHAPTERS))
    assert [fault for fault, broken in FAULTS.items() if not broken.startswith(chapters)] == []


# ------------------------------------------------------------------ pushes of any kind

STRANGE: list[Any] = [None, "", 7, True, [], {}, [7], {"groupId": {}}, "2015-02-12", "\ud800"]


@pytest.mark.parametrize("name", ["messageId", "bulkId", "to", "status", "sentAt", "callbackData"])
def test_no_value_of_a_report_makes_the_judge_stumble(name: str) -> None:
    """Whatever a server writes into a field, the report can be looked at."""
    for value in STRANGE:
        body = json.dumps({"results": [{name: value}]}).encode()
        (report,) = parse_reports(WebhookCall(0.0, "plain-json", "POST", Message(), body))
        assert report.group in {"", "NONE", *files.read_groups().values()}
        assert not any([report.is_final, report.is_intermediate, report.is_acknowledged_final])
        assert isinstance(report.message_id + report.bulk_id + report.to, str)
        assert report.find_instant(name) is None
        assert isinstance(check_ids(report, [("1", {"a"})], {"b"}), str)
        assert isinstance(is_instant(report, name), bool)
        assert isinstance(describe_difference("given", value), str)


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b"7", b"<a", b"<a/>", b"{}", b'{"results": 7}', b"[" * 9999, b"a=b"],
    ids=repr,
)
def test_no_body_makes_the_judge_stumble(body: bytes) -> None:
    """A body that holds no reports has none."""
    hit = WebhookCall(0.0, "plain-json", "POST", Message(), body)

    assert list(parse_reports(hit)) == []
    problem = str(check_call(hit))
    assert not problem or problem.startswith(("results: nothing", "no list of results"))
    assert isinstance(check_format(hit, "application/json"), str)


# ------------------------------------------------------------------ windows


def is_open(window: dict[str, Any], at: datetime) -> bool:
    """Tell whether a window is open, its last minute left out."""
    if DAYS[at.weekday()] not in window["days"]:
        return False
    if "from" not in window:
        return True
    first, last = ((window[name]["hour"], window[name]["minute"]) for name in ("from", "to"))
    return bool(first <= (at.hour, at.minute) < last)


DAYS: tuple[str, ...] = MANNERS["DAYS"]
EVERY_MINUTE = [datetime(2031, 3, 1, tzinfo=UTC) + timedelta(seconds=61 * n) for n in range(1416)]


def test_windows_around_now_are_open_and_narrow() -> None:
    """At any minute but a day's last ones the window is open for a while, and not an hour away."""
    for now in EVERY_MINUTE:
        window = delivery_windows.build_open(now)
        if window is None:
            assert (now.hour, now.minute) >= (23, 56)
            continue
        assert is_open(window, now), now
        assert is_open(window, now + timedelta(minutes=1)), now
        if now.hour or now.minute > 2:
            hours = [now + timedelta(minutes=n) for n in (-300, -65, 65, 330)]
            assert not any(is_open(window, hour) for hour in hours), now


def test_closed_windows_are_far_from_now() -> None:
    """No closed window opens within hours, whatever the time of day is; each lasts an hour."""
    for now in EVERY_MINUTE:
        days, hours = (
            delivery_windows.build_other_days(now),
            delivery_windows.build_other_hours(now),
        )
        assert len(days["days"]) == 4
        assert not any(is_open(days, now + timedelta(hours=n)) for n in range(-24, 25, 3)), now
        assert not any(is_open(hours, now + timedelta(minutes=n)) for n in range(-300, 300, 12)), (
            now
        )
        first, last = (hours[name]["hour"] * 60 + hours[name]["minute"] for name in ("from", "to"))
        assert last - first > 60


def test_openings_come_after_an_instant_and_are_found_again() -> None:
    """A window that opens later opens soon after that, and not before."""
    for now in EVERY_MINUTE:
        window = delivery_windows.build_opening(now)
        opens = delivery_windows.get_opening(window, (now - timedelta(hours=1)).timestamp())
        assert 0 < opens - now.timestamp() < 66 * 60
        assert is_open(window, datetime.fromtimestamp(opens, UTC))
        assert not is_open(window, datetime.fromtimestamp(opens - 1, UTC))


def test_callback_data_has_the_greatest_length_and_is_hard() -> None:
    """It has 200 characters, markup, letters outside of ASCII and spaces at both ends."""
    text = webhook_messages.build_callback_data()

    assert len(text) == 200
    assert text != text.strip()
    assert set("<>&\"'") <= set(text)
    assert len(text.encode()) > 300
    assert text != unicodedata.normalize("NFC", text)
