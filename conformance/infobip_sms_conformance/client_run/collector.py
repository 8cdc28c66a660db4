"""Every request that arrived, checked as it comes; nothing is kept of it but what may be shown."""

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
from infobip_sms_conformance.observations.verdicts import Verdict
from infobip_sms_conformance.run.result import RunResult, SanitizedFinding, Section
from infobip_sms_conformance.session.plan import RunCost
from infobip_sms_conformance.transport.http1 import CapturedExchange

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
MAX_PER_KIND = 3
"""Findings of one kind that are kept with what was received; of others there is the number alone."""
ExchangeRecorder = Callable[[ParsedRequest, ClientMask], None]
RequestCheck = Callable[[ParsedRequest], Sequence[RequestViolation]]


@dataclass
class TrafficCollector:
    """What was captured so far."""

    check_responses: bool = False
    """Whether responses are checked as well."""
    recorders: tuple[ExchangeRecorder, ...] = ()
    """Get every exchange with its mask, before it is forgotten."""
    checks: tuple[RequestCheck, ...] = ()
    """What else a request is held to."""
    coverage: Coverage = field(default_factory=Coverage)
    resend_history: ResendHistory = field(default_factory=ResendHistory)
    findings: list[SanitizedFinding] = field(default_factory=list)
    passed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Requirement, format and side, with how often each was looked at."""
    counts_by_kind: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    requests: int = 0
    messages: int = 0
    began: float = field(default_factory=time.monotonic)

    def add(self, captured: CapturedExchange) -> None:
        """Check an exchange."""
        paper = parse_request(captured)
        self.requests += 1
        if paper.is_send and captured.status in OK_STATUSES:
            self.messages += count_destinations(paper)
        self.coverage.add(paper)
        problems = [*paper.findings.violations, *self.resend_history.check(paper)]
        problems += [problem for look in self.checks for problem in look(paper)]
        mask = build_mask(paper)
        for problem in problems:
            self._add_violation(paper, mask, problem)
        broken = {problem.requirement_id for problem in problems}
        for number in paper.findings.checked - broken - {""}:
            self.passed[number, paper.wire, "request"] += 1
        if self.check_responses:
            self._check_response(paper, mask)
        for keep in self.recorders:
            keep(paper, mask)

    def add_violation(self, captured: CapturedExchange, violation: RequestViolation) -> None:
        """Take down what showed after an exchange."""
        paper = parse_request(captured)
        self._add_violation(paper, build_mask(paper), violation)

    def add_pass(self, captured: CapturedExchange, requirement_id: str) -> None:
        """Take down what an exchange kept, as showed after it."""
        self.passed[requirement_id, parse_request(captured).wire, "reply"] += 1

    def _add_violation(
        self, request: ParsedRequest, mask: ClientMask, violation: RequestViolation
    ) -> None:
        number = violation.requirement_id
        if not self._is_within_limit(
            (number, request.wire, strip_indexes(violation.path), violation.expected)
        ):
            return
        mild = violation.is_tolerated or read_requirements()[number].level != "MUST"
        place = request.operation.path if request.operation else "elsewhere"
        count, method = request.captured.serial, request.captured.method
        self.findings.append(
            SanitizedFinding(
                number,
                request.wire,
                f"request {count}",
                Verdict.WARN if mild else Verdict.FAIL,
                f"request {count}, {method if method in METHODS else 'another method'} {place}",
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
        for remark in check_response(request):
            if not remark.actual:
                self.passed[remark.requirement_id, wire, "reply"] += 1
            elif self._is_within_limit(
                (remark.requirement_id, wire, remark.actual, remark.expected)
            ):
                self.findings.append(build_finding(request, mask, remark, wire))

    def _is_within_limit(self, kind: tuple[str, str, str, str]) -> bool:
        """Count a finding of a kind; tell whether there are few of it as yet."""
        self.counts_by_kind[kind] += 1
        return self.counts_by_kind[kind] <= MAX_PER_KIND

    def build_result(
        self, url: str, profile: str, *, sections: Sequence[Section] = (), stopped: str = ""
    ) -> RunResult:
        """Return the result of what was captured."""
        findings = [*self.findings, *self._build_passes()]
        return RunResult(
            url=url,
            profile=profile,
            seed=0,
            wires=tuple(wire for wire in WIRES if any(told.wire == wire for told in findings)),
            planned_cost=RunCost(),
            requests=self.requests,
            messages=self.messages,
            seconds=time.monotonic() - self.began,
            findings=tuple(findings),
            stopped=stopped or ("" if self.requests else "no request arrived"),
            side="both" if self.check_responses else "client",
            sections=(*sections, *([self.coverage.build_section()] if self.requests else [])),
        )

    def _build_passes(self) -> list[SanitizedFinding]:
        """Return a finding for all that was looked at, and kept."""
        failed = {(f.requirement_id, f.wire) for f in self.findings}
        kept = [(number, wire, side) for number, wire, side in self.passed]
        kept += [(*occasion, "request") for occasion in self.resend_history.checked]
        order = list(read_requirements())
        found = [
            SanitizedFinding(number, wire, f"every {side}", Verdict.PASS)
            for number, wire, side in dict.fromkeys(kept)
            if (number, wire) not in failed
        ]
        return sorted(found, key=lambda told: order.index(told.requirement_id))


def build_finding(
    request: ParsedRequest, mask: ClientMask, response_finding: ResponseFinding, wire: str
) -> SanitizedFinding:
    """Return what is said of a response as it may be printed."""
    level = read_requirements()[response_finding.requirement_id].level
    return SanitizedFinding(
        response_finding.requirement_id,
        wire,
        f"response {request.captured.serial}",
        Verdict.FAIL if level == "MUST" else Verdict.WARN,
        f"the response to request {request.captured.serial}",
        response_finding.expected,
        mask.hide_words(response_finding.actual),
        evidence=build_evidence(request, mask),
    )


def count_destinations(request: ParsedRequest) -> int:
    """Return how many messages a request brings."""
    messages = iter_entries(request.node, "messages")
    return sum(len(list(iter_entries(message, "destinations"))) for _, message in messages)
