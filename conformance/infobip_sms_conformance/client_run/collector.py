"""Checks each request as it arrives, and keeps only what may be shown of it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from infobip_sms_conformance.client_checks.excerpt import ClientMask, build_evidence, build_mask
from infobip_sms_conformance.client_checks.request import ParsedRequest, iter_entries, parse_request
from infobip_sms_conformance.client_checks.resends import ResendHistory
from infobip_sms_conformance.client_checks.responses import ResponseFinding, check_response
from infobip_sms_conformance.client_checks.schema_check import RequestViolation, strip_indexes
from infobip_sms_conformance.client_run.coverage import Coverage
from infobip_sms_conformance.contract.files import WIRES, read_requirements
from infobip_sms_conformance.observations.exchange import OK_STATUSES
from infobip_sms_conformance.observations.responses import find_wire
from infobip_sms_conformance.observations.verdicts import Verdict, get_failing_verdict
from infobip_sms_conformance.run.result import RunResult, SanitizedFinding, Section
from infobip_sms_conformance.session.plan import RunCost
from infobip_sms_conformance.transport.http1 import CapturedExchange

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
MAX_PER_KIND = 3
"""Findings of one kind that are kept with their evidence; further ones are only counted."""
ExchangeRecorder = Callable[[ParsedRequest, ClientMask], None]
RequestCheck = Callable[[ParsedRequest], Sequence[RequestViolation]]


@dataclass
class TrafficCollector:
    """The traffic captured so far."""

    check_responses: bool = False
    """Whether responses are checked as well."""
    recorders: tuple[ExchangeRecorder, ...] = ()
    """Called with every exchange and its mask."""
    checks: tuple[RequestCheck, ...] = ()
    """Further checks of a request."""
    coverage: Coverage = field(default_factory=Coverage)
    resend_history: ResendHistory = field(default_factory=ResendHistory)
    findings: list[SanitizedFinding] = field(default_factory=list)
    passed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How often each requirement, format and side passed."""
    counts_by_kind: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    requests: int = 0
    messages: int = 0
    began: float = field(default_factory=time.monotonic)

    def add(self, captured: CapturedExchange) -> None:
        """Check an exchange."""
        request = parse_request(captured)
        self.requests += 1
        if request.is_send and captured.status in OK_STATUSES:
            self.messages += count_destinations(request)
        violations = [*request.findings.violations, *self.resend_history.check(request)]
        violations += [violation for check in self.checks for violation in check(request)]
        mask = build_mask(request)
        self.coverage.add(request, mask)
        for violation in violations:
            self._add_violation(request, mask, violation)
        violated = {violation.requirement_id for violation in violations}
        for requirement_id in request.findings.checked - violated - {""}:
            self.passed[requirement_id, request.wire, "request"] += 1
        if self.check_responses:
            self._check_response(request, mask)
        for record in self.recorders:
            record(request, mask)

    def add_violation(self, captured: CapturedExchange, violation: RequestViolation) -> None:
        """Record a violation that showed after an exchange."""
        request = parse_request(captured)
        self._add_violation(request, build_mask(request), violation)

    def add_pass(self, captured: CapturedExchange, requirement_id: str) -> None:
        """Record a requirement that an exchange passed, as showed after it."""
        self.passed[requirement_id, parse_request(captured).wire, "response"] += 1

    def _add_violation(
        self, request: ParsedRequest, mask: ClientMask, violation: RequestViolation
    ) -> None:
        requirement_id = violation.requirement_id
        if not self._is_within_limit(
            (requirement_id, request.wire, strip_indexes(violation.path), violation.expected)
        ):
            return
        verdict = get_failing_verdict(requirement_id)
        path = request.operation.path if request.operation else "an undocumented path"
        count, method = request.captured.serial, request.captured.method
        self.findings.append(
            SanitizedFinding(
                requirement_id,
                request.wire,
                f"request {count}",
                Verdict.WARN if violation.is_tolerated else verdict,
                f"request {count}, {method if method in METHODS else 'another method'} {path}",
                mask.hide_words(violation.expected),
                mask.hide_words(
                    f"{violation.path}: {violation.actual}" if violation.path else violation.actual
                ),
                evidence=build_evidence(request, mask, violation),
            )
        )

    def _check_response(self, request: ParsedRequest, mask: ClientMask) -> None:
        body = request.captured.response.body if request.captured.response else b""
        wire = find_wire(body) or request.wire
        for finding in check_response(request):
            if not finding.actual:
                self.passed[finding.requirement_id, wire, "response"] += 1
            elif self._is_within_limit(
                (finding.requirement_id, wire, finding.actual, finding.expected)
            ):
                self.findings.append(build_finding(request, mask, finding, wire))

    def _is_within_limit(self, kind: tuple[str, str, str, str]) -> bool:
        """Count a finding of a kind; tell whether it is one of the first few."""
        self.counts_by_kind[kind] += 1
        return self.counts_by_kind[kind] <= MAX_PER_KIND

    def build_result(
        self, url: str, profile: str, *, sections: Sequence[Section] = (), stopped: str = ""
    ) -> RunResult:
        """Return the result of what was captured."""
        unused = self.coverage.get_stop_reason()
        # A run in which no documented operation was called has checked nothing.
        findings = [*self.findings, *([] if unused else self._build_passes())]
        return RunResult(
            url=url,
            profile=profile,
            seed=0,
            wires=tuple(
                wire for wire in WIRES if any(finding.wire == wire for finding in findings)
            ),
            planned_cost=RunCost(),
            requests=self.requests,
            messages=self.messages,
            seconds=time.monotonic() - self.began,
            findings=tuple(findings),
            stopped=stopped or unused,
            side="both" if self.check_responses else "client",
            sections=(*sections, *([self.coverage.build_section()] if self.requests else [])),
        )

    def _build_passes(self) -> list[SanitizedFinding]:
        """Return a finding for everything that was checked and passed."""
        failed = {(f.requirement_id, f.wire) for f in self.findings}
        passes = [(requirement_id, wire, side) for requirement_id, wire, side in self.passed]
        passes += [(*occasion, "request") for occasion in self.resend_history.checked]
        order = list(read_requirements())
        found = [
            SanitizedFinding(requirement_id, wire, f"every {side}", Verdict.PASS)
            for requirement_id, wire, side in dict.fromkeys(passes)
            if (requirement_id, wire) not in failed
        ]
        return sorted(found, key=lambda finding: order.index(finding.requirement_id))


def build_finding(
    request: ParsedRequest, mask: ClientMask, response_finding: ResponseFinding, wire: str
) -> SanitizedFinding:
    """Return a finding about a response, masked."""
    return SanitizedFinding(
        response_finding.requirement_id,
        wire,
        f"response {request.captured.serial}",
        get_failing_verdict(response_finding.requirement_id),
        f"the response to request {request.captured.serial}",
        mask.hide_words(response_finding.expected),
        mask.hide_words(response_finding.actual),
        evidence=build_evidence(request, mask),
    )


def count_destinations(request: ParsedRequest) -> int:
    """Return how many messages a request contains."""
    messages = iter_entries(request.node, "messages")
    return sum(len(list(iter_entries(message, "destinations"))) for _, message in messages)
