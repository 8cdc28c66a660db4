"""Which failure explains what could not be decided: one that failed, in the same format.

A finding names the requirement that it waits for, and that one may wait for another. Where the last of them
failed, it explains all of them. Where it did not, what breaks a requirement is a failure of its own, and what
merely shows nothing could not be decided for the reason that it gives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from infobip_sms_conformance.observations.verdicts import (
    Finding,
    Verdict,
    find_worst,
    get_failing_verdict,
)

FAILING = {Verdict.FAIL, Verdict.WARN, Verdict.ERROR}
MAX_STEPS = 8
Key = tuple[str, str]
"""A requirement and a format."""


def settle_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings of which each that is explained names a requirement that failed."""
    settled = list(findings)
    while (index := find_unexplained(settled)) is not None:
        found = settled[index]
        verdict = get_failing_verdict(found.requirement_id)
        settled[index] = replace(found, verdict=verdict, caused_by="", is_explained=False)
    verdicts, causes = collect_verdicts(settled), collect_causes(settled)
    return [replace(f, caused_by=find_root_cause(f, verdicts, causes)) for f in settled]


def find_unexplained(findings: Sequence[Finding]) -> int | None:
    """Return the position of a failure that no other one explains: of one that others wait for, if there is one."""
    verdicts, causes = collect_verdicts(findings), collect_causes(findings)
    found = [
        index
        for index, finding in enumerate(findings)
        if finding.is_explained and not find_root_cause(finding, verdicts, causes)
    ]
    wanted = {name for n in found for name in (findings[n].caused_by, *findings[n].suspects)}
    first = [index for index in found if findings[index].requirement_id in wanted]
    return next(iter(first or found), None)


def collect_verdicts(findings: Sequence[Finding]) -> dict[Key, Verdict]:
    """Return the verdict on each requirement in each format."""
    found: dict[Key, list[Verdict]] = {}
    for finding in findings:
        found.setdefault((finding.requirement_id, finding.wire), []).append(finding.verdict)
    return {key: find_worst(verdicts) or Verdict.PASS for key, verdicts in found.items()}


def collect_causes(findings: Sequence[Finding]) -> dict[Key, str]:
    """Return what explains each requirement in each format."""
    return {(f.requirement_id, f.wire): f.caused_by for f in findings if f.caused_by}


def find_root_cause(
    finding: Finding, verdicts: Mapping[Key, Verdict], causes: Mapping[Key, str]
) -> str:
    """Return the requirement that failed and explains a finding; empty if there is none."""
    for suspect in finding.suspects:
        if is_known(suspect, verdicts) and has_failed(suspect, finding, verdicts):
            return suspect
    number = finding.caused_by
    for _ in range(MAX_STEPS):  # two may name each other
        if not number or has_failed(number, finding, verdicts):
            return number
        number = causes.get((number, finding.wire), "")
    return ""


def is_known(requirement_id: str, verdicts: Mapping[Key, Verdict]) -> bool:
    """Tell whether this run checks a requirement."""
    return any(key[0] == requirement_id for key in verdicts)


def has_failed(requirement_id: str, finding: Finding, verdicts: Mapping[Key, Verdict]) -> bool:
    """Tell whether a requirement failed in the format of a finding; in the other one if it is checked there alone.

    One that this run does not check at all is believed to have.
    """
    known = {key[1]: verdict for key, verdict in verdicts.items() if key[0] == requirement_id}
    applying = {w: verdict for w, verdict in known.items() if verdict is not Verdict.NOT_APPLICABLE}
    is_own = finding.wire in applying and not finding.mixes_formats
    relevant = [applying[finding.wire]] if is_own else applying.values()
    return not known or any(verdict in FAILING for verdict in relevant)
