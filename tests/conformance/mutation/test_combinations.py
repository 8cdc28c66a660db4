"""Servers with several faults: how they are drawn, and what a run says of each fault."""

from __future__ import annotations

from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.result import RunResult, SanitizedFinding

from tests.conformance.mutation.combinations import (
    Combination,
    build_combination_result,
    draw_combinations,
    get_share,
)
from tests.conformance.mutation.subjects import SystemUnderTest

FAIL, OPEN, PASS = Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS


def test_draw_depends_on_the_seed_alone() -> None:
    """The same seed draws the same servers; no two faults of one break the same requirement."""
    drawn = draw_combinations(3, 6, 4)

    assert drawn == draw_combinations(3, 6, 4) != draw_combinations(4, 6, 4)
    assert [len(one.faults) for one in drawn] == [2] * 6 + [3] * 4
    assert all(
        len({fault.broken_requirement for fault in one.faults}) == len(one.faults) for one in drawn
    )


def test_command_has_every_fault() -> None:
    """The command of a combination starts one server with each of its faults."""
    faults = tuple(
        SystemUnderTest(f"any {name}", ("serve", "--break", name), name) for name in ("one", "two")
    )

    assert Combination(faults).system.command == ("serve", "--break", "one", "--break", "two")


def test_outcome_of_each_fault() -> None:
    """A fault is named, hidden by another one that failed, or lost; what failed beside them is listed."""
    faults = tuple(
        SystemUnderTest(f"any {number.lower()}", ("serve", "--break", number), number)
        for number in ("SEND-003", "RESP-001", "RESP-002")
    )
    findings = (
        SanitizedFinding("SEND-003", "json", "", PASS),
        SanitizedFinding("RESP-001", "json", "", FAIL),
        SanitizedFinding("RESP-002", "json", "", OPEN, caused_by="RESP-001"),
        SanitizedFinding("HTTP-001", "xml", "", FAIL),
    )
    run = RunResult("", "full", 1, ("json", "xml"), findings=findings)
    found = build_combination_result(Combination(faults), run)

    assert [(fault.outcome, fault.hidden_by) for fault in found.faults] == [
        ("lost", ""),
        ("named", ""),
        ("hidden", "RESP-001"),
    ]
    assert found.others == ("HTTP-001",)
    assert get_share([found]) == 0.5
