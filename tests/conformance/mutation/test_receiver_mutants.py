"""Broken receivers: each defect is reported as the requirement that it breaks, and as no other."""

import socket
import sys
from pathlib import Path

import pytest
from infobip_sms_conformance.contract.files import read_requirements
from infobip_sms_conformance.receiver_run.connection import parse_address
from infobip_sms_conformance.receiver_run.plan import ReceiverPlan
from infobip_sms_conformance.receiver_run.process import ReceiverProcess
from infobip_sms_conformance.receiver_run.result import build_result, list_broken
from infobip_sms_conformance.receiver_run.runner import run_receiver_checks
from infobip_sms_conformance.run.result import RunResult

from tests.conformance.mutation import receivers
from tests.conformance.mutation.receivers import SEEN_IN_KEPT, SEEN_IN_RESPONSES, run_receiver

IN_XML = {"no-xml", "fetches-entities"}


def check(url: str, *, kept: Path | None = None, wires: tuple[str, ...] = ("json",)) -> RunResult:
    """Check a receiver."""
    command = ("cat", str(kept)) if kept else ()
    plan = ReceiverPlan(parse_address(url), wires, kept=command, patience=1.0)
    run = run_receiver_checks(plan)
    assert run.posts <= plan.max_posts
    return build_result(run)


@pytest.mark.parametrize(("fault", "requirement"), SEEN_IN_RESPONSES.items())
def test_defect_is_seen_in_the_responses(fault: str, requirement: str, tmp_path: Path) -> None:
    """One defect, one requirement."""
    wires = ("xml",) if fault in IN_XML else ("json",)
    with run_receiver(tmp_path / "kept", fault) as url:
        result = check(url, wires=wires)

    assert list_broken(result.findings) == [requirement]


@pytest.mark.parametrize(("fault", "requirement"), SEEN_IN_KEPT.items())
def test_defect_is_seen_in_what_is_kept(fault: str, requirement: str, tmp_path: Path) -> None:
    """One defect that no response shows, one requirement."""
    kept = tmp_path / "kept"
    with run_receiver(kept, fault) as url:
        result = check(url, kept=kept)

    assert list_broken(result.findings) == [requirement]


def test_receiver_without_defects_has_no_finding(tmp_path: Path) -> None:
    """Every requirement passes in both formats."""
    kept = tmp_path / "kept"
    with run_receiver(kept) as url:
        result = check(url, kept=kept, wires=("json", "xml"))

    assert list_broken(result.findings) == []
    assert len(result.rows) == 30
    assert {str(f.verdict) for f in result.findings} == {"PASS"}


FIVE = {"first-only", "loses-offset", "status-enum", "price-integer", "exact-content-type"}


def test_five_defects_at_once_are_all_named(tmp_path: Path) -> None:
    """One defect does not hide another."""
    kept = tmp_path / "kept"
    with run_receiver(kept, *FIVE) as url:
        result = check(url, kept=kept)

    named = {(SEEN_IN_RESPONSES | SEEN_IN_KEPT)[fault] for fault in FIVE}
    assert set(list_broken(result.findings)) == named


def test_several_forms_that_are_not_read_are_all_named(tmp_path: Path) -> None:
    """Defects that already the documented report shows are told apart."""
    with run_receiver(tmp_path / "kept", "dates-need-colon", "price-crash") as url:
        result = check(url)

    assert list_broken(result.findings) == ["RCV-008", "RCV-009"]


def test_slow_receiver_is_not_checked_any_further(tmp_path: Path) -> None:
    """No response in time: named, and everything else is undecided because of it."""
    with run_receiver(tmp_path / "kept", "slow") as url:
        plan = ReceiverPlan(parse_address(url), ("json",), seconds=0.2)
        result = build_result(run_receiver_checks(plan))

    assert list_broken(result.findings) == ["RCV-002"]
    assert {f.caused_by for f in result.findings if f.verdict == "INCONCLUSIVE"} == {"RCV-002"}
    assert result.exit_code == 2


def test_every_requirement_of_receivers_has_a_defect() -> None:
    """Each is broken by a handler here, or by one of this page's other tests."""
    ids = {row.id for row in read_requirements().values() if row.binds == "receiver"}
    broken = {*SEEN_IN_RESPONSES.values(), *SEEN_IN_KEPT.values(), "RCV-002", "RCV-030"}

    assert broken == ids


def test_receiver_that_keeps_in_memory_only_is_killed(tmp_path: Path) -> None:
    """An acknowledged report that the end of the process loses is RCV-030."""
    kept = tmp_path / "kept"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = (sys.executable, receivers.__file__, str(port), str(kept))
    for fault, broken in (("writes-late", ["RCV-030"]), ("", [])):
        address = parse_address(f"http://127.0.0.1:{port}/")
        process = ReceiverProcess([*program, fault], address)
        show = (*program[:2], "--show", str(port))
        plan = ReceiverPlan(address, ("json",), ("RCV-030",), kept=show, process=process)
        result = build_result(run_receiver_checks(plan))

        assert list_broken(result.findings) == broken
        assert "RCV-030" in {row.id for row in result.rows}
