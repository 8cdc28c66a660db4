"""What explains a finding: only a failure in the same format, and never something that could not be decided itself."""

from __future__ import annotations

from infobip_sms_conformance.observations.verdicts import Finding, Verdict, find_worst
from infobip_sms_conformance.run.explanations import settle_findings

FAIL, WARN, PASS, OPEN = Verdict.FAIL, Verdict.WARN, Verdict.PASS, Verdict.INCONCLUSIVE


def build(  # noqa: PLR0913 - what a finding has
    number: str,
    verdict: Verdict,
    caused_by: str = "",
    *suspects: str,
    wire: str = "xml",
    explained: bool = False,
    mixed: bool = False,
) -> Finding:
    """Build a finding."""
    return Finding(
        number,
        wire,
        "",
        verdict,
        caused_by=caused_by,
        is_explained=explained,
        mixes_formats=mixed,
        suspects=suspects,
    )


def settle(*findings: Finding) -> list[tuple[str, Verdict, str]]:
    """Return requirement, verdict and cause of each settled finding."""
    settled = settle_findings(findings)
    return [(found.requirement_id, found.verdict, found.caused_by) for found in settled]


def test_chain_ends_in_what_failed() -> None:
    """A finding that waits for one that waits for a failure is explained by that failure."""
    chain = (build("WIN-007", OPEN, "DLR-001"), build("DLR-001", OPEN, "SEND-026"))

    assert settle(*chain, build("SEND-026", FAIL)) == [
        ("WIN-007", OPEN, "SEND-026"),
        ("DLR-001", OPEN, "SEND-026"),
        ("SEND-026", FAIL, ""),
    ]


def test_failure_in_another_format_explains_nothing() -> None:
    """What breaks a requirement in XML is a failure of its own where its cause failed in JSON alone."""
    other = build("WIN-001", FAIL, wire="json")
    same = build("WIN-001", PASS)

    assert settle(build("WIN-002", OPEN, "WIN-001", explained=True), other, same)[0] == (
        "WIN-002",
        FAIL,
        "",
    )
    assert settle(build("WIN-002", OPEN, "WIN-001"), other, same)[0] == ("WIN-002", OPEN, "")


def test_cause_that_is_checked_in_the_other_format_alone_counts() -> None:
    """A requirement that has no check in a format, and one of calls in mixed formats, may fail in the other."""
    other = build("LOG-001", FAIL, wire="json")

    assert settle(build("LOG-003", OPEN, "LOG-001", explained=True), other)[0][1] is OPEN
    mixed = build("LOG-003", OPEN, "LOG-001", explained=True, mixed=True)
    assert settle(mixed, other, build("LOG-001", PASS))[0] == ("LOG-003", OPEN, "LOG-001")


def test_two_that_name_each_other_do_not_hide_both() -> None:
    """Of two findings that explain each other and nothing else, one fails and explains the other."""
    circle = (
        build("PREV-002", OPEN, "PREV-003", explained=True),
        build("PREV-003", OPEN, "PREV-002", explained=True),
    )

    assert {verdict for _, verdict, _ in settle(*circle)} == {WARN, OPEN}


def test_suspect_explains_only_if_it_failed() -> None:
    """The first suspect that failed is the cause; without one, and where none is checked, it is a failure."""
    found = build("TRACK-001", OPEN, "", "LOG-001", "RESP-003", explained=True)

    assert settle(found, build("RESP-003", FAIL))[0] == ("TRACK-001", OPEN, "RESP-003")
    assert settle(found, build("RESP-003", PASS))[0] == ("TRACK-001", FAIL, "")
    assert settle(found)[0] == ("TRACK-001", FAIL, "")


def test_cause_that_is_not_checked_in_this_run_is_believed() -> None:
    """A selection of checks does not turn what another requirement explains into a failure."""
    found = build("WIN-002", OPEN, "WIN-001", explained=True)

    assert settle(found) == [("WIN-002", OPEN, "WIN-001")]


def test_warning_is_not_hidden_by_another_check_of_its_requirement() -> None:
    """A requirement with a warning and something that could not be decided has the warning."""
    assert find_worst([OPEN, WARN, PASS]) is WARN


def test_suspect_that_is_unexplained_itself_fails_first() -> None:
    """Of two failures that nothing explains yet, the one that the other one suspects is the root, whichever came first."""
    early = build("XML-004", OPEN, "", "LOG-001", explained=True, mixed=True)
    late = build("LOG-001", OPEN, "", "RESP-003", wire="json", explained=True)
    good = build("RESP-003", PASS, wire="json")

    assert settle(early, late, good)[:2] == [("XML-004", OPEN, "LOG-001"), ("LOG-001", WARN, "")]
