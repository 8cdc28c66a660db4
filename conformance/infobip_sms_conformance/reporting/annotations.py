"""Annotations of a run on GitHub: a line for each failure, which GitHub shows beside the summary."""

from collections.abc import Iterator

from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.reporting.summary import RequirementFailure

KINDS = {Verdict.FAIL: "error", Verdict.ERROR: "error", Verdict.WARN: "warning"}
ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}


def format_annotations(failures: list[RequirementFailure]) -> Iterator[str]:
    """Yield a workflow command for each failure."""
    for failure in failures:
        where = f"{failure.requirement.id} in {' and '.join(failure.wires)}"
        found = failure.finding
        parts = (failure.requirement.text, f"expected {found.expected}", f"got {found.got}")
        yield f"::{KINDS[failure.verdict]} title={where}::{escape(chr(10).join(parts))}"


def escape(text: str) -> str:
    """Return a text as the value of a workflow command has it."""
    return "".join(ESCAPES.get(sign, sign) for sign in text)
